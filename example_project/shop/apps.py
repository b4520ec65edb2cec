"""A small shop whose jobs do something one can watch."""

from __future__ import annotations

from django.apps import AppConfig


class ShopConfig(AppConfig):
    """Products, orders, and what jobs make of them."""

    name = "shop"
    verbose_name = "Shop"
    default_auto_field = "django.db.models.BigAutoField"
