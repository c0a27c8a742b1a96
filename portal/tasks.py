"""Celery's door to portal: what would keep a page waiting."""

from celery import shared_task

from portal.account import reset


@shared_task  # type: ignore[untyped-decorator] # Celery has no types
def mail_password_link(user_id: int) -> None:
    """Mail somebody the link by which a password is chosen."""
    reset.mail(user_id)
