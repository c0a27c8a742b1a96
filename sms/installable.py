"""Door: what makes an app of the client: manifest, service worker, a page for no network."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

SURFACE = "#ffffff"  # what the page shows first, as in base.css
ICONS = (("icon-192.png", "192x192", "any"), ("icon-512.png", "512x512", "any"))
MASKABLE = (("icon-maskable.png", "512x512", "maskable"),)


@require_safe
def manifest(request: HttpRequest) -> JsonResponse:
    """Say what the app is called, looks like and begins with."""
    del request
    return JsonResponse(
        {
            "id": "/",
            "name": _("SMS Channel"),
            "short_name": _("Messages"),
            "description": _("Texts of your extension, in the browser"),
            "start_url": "/",
            "scope": "/",
            "display": "standalone",
            "background_color": SURFACE,
            "theme_color": SURFACE,
            "icons": [
                {
                    "src": static(f"sms/icons/{name}"),
                    "sizes": sizes,
                    "type": "image/png",
                    "purpose": purpose,
                }
                for name, sizes, purpose in ICONS + MASKABLE
            ],
        },
        content_type="application/manifest+json",
    )


@require_safe
@cache_control(no_cache=True)
def worker(request: HttpRequest) -> HttpResponse:
    """Return the service worker, from the root, since it may stand only before what is below it."""
    return render(request, "sms/worker.js", content_type="text/javascript")


@require_safe
def offline(request: HttpRequest) -> HttpResponse:
    """Show what the service worker shows when there is no network."""
    return render(request, "sms/offline.html")
