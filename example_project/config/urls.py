"""The shop's front page and the admin."""

from __future__ import annotations

from django.contrib import admin
from django.urls import path
from shop import views

admin.site.site_header = "Example shop"
admin.site.site_title = "Example shop"

urlpatterns = [
    path("", views.home, name="home"),
    path("favicon.ico", views.icon, name="icon"),
    path("admin/", admin.site.urls),
]
