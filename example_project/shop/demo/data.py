"""The demo's rows: a catalogue, orders, a login, and a job that exists only as a row.

Loading them again changes nothing that is there.
"""

from __future__ import annotations

import random
from datetime import timedelta
from decimal import Decimal

from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone

from django_scheduler import every, jobs
from django_scheduler.exceptions import JobNotFound
from django_scheduler.states import JobState

from ..models import Order, Product

LOGIN = ("admin", "admin")

COMMAND_JOB = "clear-sessions"

#: What the report of `demo --for` asks for: at least one success of each.
EXPECTED = (
    COMMAND_JOB,
    "flaky-payment-sync",
    "import-orders",
    "rebuild-search-index",
    "sales-report",
)

FIRST_ORDERS = 120
_SIZES = ("Small", "Medium", "Large", "Giant")
_THINGS = {
    "Kitchen": ("Teapot", "Bowl", "Pan"),
    "Garden": ("Spade", "Lantern", "Bench"),
    "Office": ("Lamp", "Notebook", "Clock"),
}


def load() -> None:
    """Fill an empty shop, and make the login and the job for `clearsessions` if missing."""
    with transaction.atomic():
        _load_products()
        _load_orders()
        _make_login()
    _add_command_job()
    _bring_forward()


def _load_products() -> None:
    dice = random.Random("products")
    for category, things in _THINGS.items():
        for thing in things:
            for size in _SIZES:
                price = Decimal(dice.randrange(290, 9990)) / 100
                Product.objects.get_or_create(
                    name=f"{size} {thing}", defaults={"category": category, "price": price}
                )


def _load_orders() -> None:
    dice = random.Random("orders")
    now = timezone.now()
    catalogue = list(Product.objects.order_by("pk"))
    orders = []
    for number in range(1, FIRST_ORDERS + 1):
        product, quantity = dice.choice(catalogue), dice.randint(1, 4)
        orders.append(
            Order(
                reference=f"first/{number:03}",
                product=product,
                quantity=quantity,
                amount=quantity * product.price,
                placed_at=now - timedelta(minutes=dice.randrange(7 * 24 * 60)),
            )
        )
    Order.objects.bulk_create(orders, ignore_conflicts=True)


def _make_login() -> None:
    name, password = LOGIN
    users = get_user_model().objects
    if not users.filter(username=name).exists():
        users.create_superuser(name, f"{name}@shop.example", password)


def _add_command_job() -> None:
    """Add a job as a person would in the admin: a row that calls an allowed command."""
    try:
        jobs.get(COMMAND_JOB)
    except JobNotFound:
        jobs.add(
            COMMAND_JOB,
            function="command:clearsessions",
            schedule=every(minutes=1),
            next_run_in=timedelta(seconds=4),
            description="Deletes expired sessions: Django's own command, as a job.",
            tags=["housekeeping"],
        )


def _bring_forward() -> None:
    """Let every expected job that an earlier demo left behind run soon; paused ones stay so."""
    for job in jobs.all(state=JobState.ACTIVE).filter(name__in=EXPECTED):
        jobs.run_within(job, timedelta(seconds=5))
