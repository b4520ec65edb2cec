"""The shop's jobs. `runscheduler` finds this module by its name and makes a row of each.

Each job may be run twice for one occurrence (its process may die, an attempt may fail), so each
writes what it can recognise again: by `context.key`, by a unique reference, or by the day.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Count, F, Sum
from django.db.models.functions import Floor, TruncDate
from django.utils import timezone

from django_scheduler import Retry, RunContext, SkipRun, cron, every, job

from . import feed
from .models import DailySales, ImportBatch, Invoice, Order, Product

logger = logging.getLogger(__name__)


@job(
    "sales-report",
    schedule=cron("*/10 * * * * *"),
    executor=settings.DEMO_EXECUTOR,
    kwargs={"days": 7},
    timeout=timedelta(seconds=30),
    description="Adds up the orders of the last days into one row a day.",
    tags=["reports"],
)
def sales_report(days: int = 30) -> dict[str, Any]:
    """Add up the orders of the last `days` days, today included, and return the totals."""
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    since = midnight - timedelta(days=days - 1)
    rows = (
        Order.objects.filter(placed_at__gte=since)
        .annotate(day=TruncDate("placed_at"))
        .order_by("day")
        .values("day")
        .annotate(orders=Count("pk"), units=Sum("quantity"), revenue=Sum("amount"))
    )
    found = list(rows)
    for row in found:
        DailySales.objects.update_or_create(day=row.pop("day"), defaults=row)
    revenue = f"{sum(row['revenue'] for row in found):.2f}"
    logger.info("sales report: %d days, %s in all", len(found), revenue)
    return {"days": len(found), "orders": sum(r["orders"] for r in found), "revenue": revenue}


@job(
    "import-orders",
    schedule=every(seconds=20),
    next_run_in=timedelta(seconds=2),
    stall_timeout=timedelta(seconds=15),
    description="Fetches a delivery of the order feed, chunk by chunk, with progress.",
    tags=["orders"],
    takes_context=True,
)
def import_orders(context: RunContext) -> int:
    """Import one delivery and return how many orders are new; nothing is imported twice.

    Raises:
        SkipRun: the shop sells nothing yet, so nothing can have been ordered.
    """
    catalogue = list(Product.objects.order_by("pk"))
    if not catalogue:
        raise SkipRun("The shop has no products yet; `manage.py demo` loads some.")
    delivered = feed.delivery(context.key, products=len(catalogue))
    batch, _ = ImportBatch.objects.get_or_create(
        key=context.key, defaults={"total": len(delivered)}
    )
    before = batch.imported
    for chunk in context.track(feed.chunks(delivered[before:])):
        feed.take(0.4)
        _store(batch, chunk, catalogue)
        context.save_data(last_reference=chunk[-1].reference, imported=batch.imported)
    ImportBatch.objects.filter(pk=batch.pk).update(finished=True)
    logger.info("imported %d orders of delivery %s", batch.imported - before, context.key)
    return batch.imported - before


def _store(
    batch: ImportBatch, chunk: Sequence[feed.FeedOrder], catalogue: Sequence[Product]
) -> None:
    """Store the chunk and how far the batch is in one transaction, so that they agree."""
    now = timezone.now()
    orders = [
        Order(
            reference=order.reference,
            product=catalogue[order.place],
            quantity=order.quantity,
            amount=order.quantity * catalogue[order.place].price,
            placed_at=now - timedelta(hours=order.hours_ago),
            batch=batch,
        )
        for order in chunk
    ]
    with transaction.atomic():
        Order.objects.bulk_create(orders, ignore_conflicts=True)
        batch.imported += len(chunk)
        batch.save(update_fields=["imported"])


@job(
    "flaky-payment-sync",
    schedule=every(seconds=20),
    next_run_in=timedelta(seconds=3),
    retry=Retry(max_attempts=3, delay=2),
    description="Asks an unreliable provider which orders are paid: fails twice, then succeeds.",
    tags=["orders", "payments"],
    takes_context=True,
)
def flaky_payment_sync(context: RunContext) -> int:
    """Mark the oldest unpaid orders as paid and return how many; paid ones are never touched."""
    unpaid = Order.objects.filter(status=Order.Status.PLACED).order_by("placed_at")
    references = list(unpaid.values_list("reference", flat=True)[:50])
    paid = list(feed.confirm_payments(references, attempt=context.attempt))
    return unpaid.filter(reference__in=paid).update(status=Order.Status.PAID)


@job(
    "rebuild-search-index",
    schedule=every(seconds=30),
    next_run_in=timedelta(seconds=1),
    timeout=timedelta(minutes=2),
    description="Works through the whole catalogue for about eight seconds; can be stopped.",
    tags=["search"],
    takes_context=True,
)
def rebuild_search_index(context: RunContext) -> int:
    """Write every product's search text and return how many there are."""
    products = list(Product.objects.order_by("pk"))
    for done, product in enumerate(products):
        context.progress(done, len(products), message=product.name)
        context.checkpoint()
        feed.take(0.2)
        words = sorted({*product.name.lower().split(), product.category.lower()})
        Product.objects.filter(pk=product.pk).update(search_text=" ".join(words))
    context.progress(len(products), len(products), message="done")
    return len(products)


@job(
    "nightly-invoices",
    schedule=cron("30 2 * * *", timezone="Europe/Paris"),
    retry=3,
    description="Writes an invoice for every paid order, at half past two in Paris.",
    tags=["payments"],
    takes_context=True,
)
def nightly_invoices(context: RunContext) -> int:
    """Write the invoices that are missing and return how many; an order never gets a second."""
    missing = Order.objects.filter(status=Order.Status.PAID, invoice__isnull=True)
    written = 0
    for order in context.track(list(missing)):
        _, created = Invoice.objects.get_or_create(
            order=order, defaults={"occurrence": context.key}
        )
        written += created
    return written


@job(
    "score-orders",
    schedule=cron("0 4 * * *"),
    description="Gives every order its points, once. Where it is ended, the next run goes on.",
    tags=["orders"],
    takes_context=True,
)
def score_orders(context: RunContext) -> int:
    """Score the orders that are not scored yet, a hundred at a time, and return how many.

    How far it is, is what the job carries from run to run: paused, stopped or ended with its
    scheduler half-way, it leaves no order out and scores none twice.
    """
    unscored = Order.objects.filter(pk__gt=context.state.get("last_order", 0)).order_by("pk")
    done, total = 0, unscored.count()
    while some := list(unscored.values_list("pk", flat=True)[:100]):
        context.checkpoint()
        Order.objects.filter(pk__in=some).update(
            points=Floor(F("amount")), times_scored=F("times_scored") + 1
        )
        context.state["last_order"] = some[-1]
        unscored = unscored.filter(pk__gt=some[-1])
        done += len(some)
        context.progress(done, max(done, total))
        feed.take(0.02)
    return done
