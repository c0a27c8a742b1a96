"""Which addresses the product answers; the traffic's own are in sms."""

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from portal.admin.sign_in_link import SetPasswordView
from portal.admin.site import site

urlpatterns = [
    path("admin/", site.urls),
    path(
        "login/",
        LoginView.as_view(template_name="sms/login.html", redirect_authenticated_user=True),
        name="login",
    ),
    path("logout/", LogoutView.as_view(), name="logout"),
    path(
        "account/reset/<uidb64>/<token>/",
        SetPasswordView.as_view(),
        name="password_reset_confirm",
    ),
    path("api/v1/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/v1/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    path("", include("sms.urls")),
]
