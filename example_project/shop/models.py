"""What the shop sells, who ordered it, and the rows its jobs write."""

from __future__ import annotations

from django.db import models


class Product(models.Model):
    """Something on sale. `search_text` is written by the job `rebuild-search-index`."""

    name = models.CharField(max_length=100, unique=True)
    category = models.CharField(max_length=50)
    price = models.DecimalField(max_digits=8, decimal_places=2)
    search_text = models.CharField(max_length=200, blank=True, editable=False)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class ImportBatch(models.Model):
    """One delivery of the order feed. Its key is the occurrence's: a retry finds it again."""

    key = models.CharField(max_length=100, unique=True)
    total = models.PositiveIntegerField()
    imported = models.PositiveIntegerField(default=0)
    finished = models.BooleanField(default=False)

    class Meta:
        verbose_name_plural = "import batches"
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.key


class Order(models.Model):
    """One product ordered once or several times. Its reference makes importing it idempotent."""

    class Status(models.TextChoices):
        """How far an order is."""

        PLACED = "placed", "Placed"
        PAID = "paid", "Paid"

    reference = models.CharField(max_length=120, unique=True)
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="orders")
    quantity = models.PositiveIntegerField()
    amount = models.DecimalField(max_digits=10, decimal_places=2)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PLACED)
    placed_at = models.DateTimeField(db_index=True)
    points = models.PositiveIntegerField(default=0)
    times_scored = models.PositiveIntegerField(default=0, editable=False)
    batch = models.ForeignKey(ImportBatch, null=True, blank=True, on_delete=models.SET_NULL)

    class Meta:
        ordering = ["-placed_at"]

    def __str__(self) -> str:
        return self.reference


class DailySales(models.Model):
    """What one day brought in; written by the job `sales-report`."""

    day = models.DateField(unique=True)
    orders = models.PositiveIntegerField()
    units = models.PositiveIntegerField()
    revenue = models.DecimalField(max_digits=12, decimal_places=2)

    class Meta:
        verbose_name_plural = "daily sales"
        ordering = ["-day"]

    def __str__(self) -> str:
        return f"{self.day}"


class Invoice(models.Model):
    """The bill for one paid order; written by the job `nightly-invoices`."""

    order = models.OneToOneField(Order, on_delete=models.PROTECT, related_name="invoice")
    occurrence = models.CharField(max_length=100)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"Invoice {self.pk} for {self.order_id}"
