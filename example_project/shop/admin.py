"""The shop's rows in the admin, to see what the jobs have done."""

from __future__ import annotations

from django.contrib import admin

from .models import DailySales, ImportBatch, Invoice, Order, Product


@admin.register(Product)
class ProductAdmin(admin.ModelAdmin):
    list_display = ["name", "category", "price", "search_text"]
    list_filter = ["category"]
    search_fields = ["name", "search_text"]


@admin.register(Order)
class OrderAdmin(admin.ModelAdmin):
    list_display = ["reference", "product", "quantity", "amount", "status", "placed_at"]
    list_filter = ["status"]
    list_select_related = ["product"]
    search_fields = ["reference"]


@admin.register(DailySales)
class DailySalesAdmin(admin.ModelAdmin):
    list_display = ["day", "orders", "units", "revenue"]


@admin.register(ImportBatch)
class ImportBatchAdmin(admin.ModelAdmin):
    list_display = ["key", "imported", "total", "finished"]


@admin.register(Invoice)
class InvoiceAdmin(admin.ModelAdmin):
    list_display = ["order", "occurrence"]
    list_select_related = ["order"]
