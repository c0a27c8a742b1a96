"""What waits on a trunk: the trunk itself, looked at as a queue."""

from django.utils.translation import gettext_lazy as _

from portal.models import Trunk


class TrunkQueue(Trunk):
    """A trunk in the list of queues."""

    class Meta:
        proxy = True
        verbose_name = _("queue")
        verbose_name_plural = _("queues")
