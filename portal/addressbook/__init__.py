"""Address books: contacts as files bring them, and how they become a tenant's or an extension's."""
