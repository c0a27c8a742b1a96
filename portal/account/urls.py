"""The addresses of the own account."""

from django.urls import path

from portal.account import enrolment, pages, reset

urlpatterns = [
    path("", pages.overview, name="account"),
    path("password/", pages.ChangePassword.as_view(), name="account-password"),
    path("sessions/others/end/", pages.end_others, name="end-other-sessions"),
    path("sessions/<slug:handle>/end/", pages.end_session, name="end-session"),
    path("second-factor/", enrolment.Enrol.as_view(), name="second-factor"),
    path("second-factor/codes/", enrolment.NewCodes.as_view(), name="recovery-codes"),
    path("second-factor/remove/", enrolment.Remove.as_view(), name="remove-second-factor"),
    path("forgotten/", reset.Forgotten.as_view(), name="forgotten-password"),
    path("reset/<uidb64>/<token>/", reset.Choose.as_view(), name="password_reset_confirm"),
]
