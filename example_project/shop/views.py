"""The page that says where to look."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from .demo.data import LOGIN
from .models import DailySales, Order, Product

ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16" fill="none" stroke="#0c6b58"'
    ' stroke-width="2" stroke-linecap="round"><circle cx="8" cy="8" r="6.5"/>'
    '<path d="M8 4.5V8l2.5 1.5"/></svg>'
)


def home(request: HttpRequest) -> HttpResponse:
    """Show the shop's numbers as its jobs left them, and the way to the admin."""
    context = {
        "login": LOGIN if settings.DEMO_SHOWS_LOGIN else None,
        "products": Product.objects.count(),
        "orders": Order.objects.count(),
        "paid": Order.objects.filter(status=Order.Status.PAID).count(),
        "sales": DailySales.objects.all()[:7],
    }
    return render(request, "shop/home.html", context)


def icon(request: HttpRequest) -> HttpResponse:
    """Return the clock that browsers show beside the title."""
    return HttpResponse(ICON, content_type="image/svg+xml")
