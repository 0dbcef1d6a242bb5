//! Actuation, on the Lease holder only: Secrets, status and Events.
