"""What a browser would send back of a form of the admin."""

import re
from html import unescape

from django.test import Client


def untouched(client: Client, address: str) -> dict[str, str]:
    """Open a form and return its fields and those of the rows below it as they are."""
    response = client.get(address)
    formsets = [each.formset for each in response.context["inline_admin_formsets"]]
    forms = [response.context["adminform"].form]
    for formset in formsets:
        forms += [formset.management_form, *formset.forms]
    data = {}
    for bound in (bound for form in forms for bound in form):
        value = bound.field.prepare_value(bound.value())
        if value is True:
            data[bound.html_name] = "on"
        elif value is not None and value is not False:
            data[bound.html_name] = str(value)
    hidden = re.findall(r'name="(_loaded|_tenant)" value="([^"]*)"', response.content.decode())
    return data | {name: unescape(value) for name, value in hidden}
