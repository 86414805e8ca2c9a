"""Every formula of the package as a theorem, checked by machine: see README.md and `ledger`."""
