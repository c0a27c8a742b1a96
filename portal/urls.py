"""Which addresses the product answers; the traffic's own are in sms."""

from django.contrib.auth.views import LogoutView
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from portal.account.sign_in import AdminSignIn, SignIn, SignInCode
from portal.admin.site import site

urlpatterns = [
    path("admin/login/", AdminSignIn.as_view()),  # in place of the site's own
    path("admin/", site.urls),
    path("login/", SignIn.as_view(), name="login"),
    path("login/code/", SignInCode.as_view(), name="sign-in-code"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("account/", include("portal.account.urls")),
    path("api/v1/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/v1/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    path("", include("sms.urls")),
]
