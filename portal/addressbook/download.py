"""An address book as a download: vCard for phones, CSV for spreadsheets."""

from django.db.models import Count, QuerySet
from django.http import StreamingHttpResponse

from portal.addressbook import table, vcard
from portal.addressbook.book import entries_of
from portal.models import Contact


def download(contacts: QuerySet[Contact], kind: str) -> StreamingHttpResponse:
    """Answer with contacts as ``vcard`` or ``csv``."""
    entries = entries_of(contacts.prefetch_related("numbers"))
    if kind == "csv":
        text = table.write(entries, _most_numbers(contacts))
        answer = StreamingHttpResponse(text, content_type="text/csv; charset=utf-8")
    else:
        answer = StreamingHttpResponse(vcard.write(entries), content_type=vcard.TYPE)
    ending = "csv" if kind == "csv" else "vcf"
    answer["Content-Disposition"] = f'attachment; filename="contacts.{ending}"'
    answer["X-Content-Type-Options"] = "nosniff"
    return answer


def _most_numbers(contacts: QuerySet[Contact]) -> int:
    rows = Contact.objects.filter(pk__in=contacts.order_by().values("pk"))
    counts = rows.annotate(count=Count("numbers")).order_by("-count")
    return counts.values_list("count", flat=True).first() or 1
