"""A Django site with django-allauth, set up as its documentation says. `allauth_site.py PORT` serves it."""

import os
import sys

import django
from django.conf import settings
from django.core.management import call_command, execute_from_command_line
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import include, path

settings.configure(
    SECRET_KEY="only for this test",
    ROOT_URLCONF=__name__,
    ALLOWED_HOSTS=["localhost"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["DATABASE"]}},
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.messages",
        "django.contrib.sessions",
        "allauth",
        "allauth.account",
        "allauth.socialaccount",
        "allauth.socialaccount.providers.openid_connect",
    ],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "allauth.account.middleware.AccountMiddleware",
    ],
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": True,
            "OPTIONS": {
                "context_processors": [
                    "django.template.context_processors.request",
                    "django.contrib.auth.context_processors.auth",
                    "django.contrib.messages.context_processors.messages",
                ]
            },
        }
    ],
    AUTHENTICATION_BACKENDS=["allauth.account.auth_backends.AuthenticationBackend"],
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    EMAIL_BACKEND="django.core.mail.backends.console.EmailBackend",
    LOGIN_REDIRECT_URL="/",
    LOGGING={"version": 1, "disable_existing_loggers": False, "handlers": {"log": {"class": "logging.StreamHandler"}}, "root": {"handlers": ["log"]}},
    SOCIALACCOUNT_PROVIDERS={
        "openid_connect": {
            "APPS": [
                {
                    "provider_id": "lanyard",
                    "name": "Lanyard",
                    "client_id": "default.allauth",
                    "secret": os.environ["SECRET"],
                    "settings": {"server_url": os.environ["ISSUER"]},
                }
            ]
        }
    },
)
django.setup()


def home(request):
    user = request.user
    return HttpResponse(f"signed in: {user.is_authenticated} {getattr(user, 'email', '')}")


urlpatterns = [path("", home), path("accounts/", include("allauth.urls"))]
application = get_wsgi_application()

if __name__ == "__main__":
    call_command("migrate", verbosity=0)
    execute_from_command_line([sys.argv[0], "runserver", "--noreload", f"localhost:{sys.argv[1]}"])
