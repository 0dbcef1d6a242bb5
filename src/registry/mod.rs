//! Objects in, an immutable snapshot of what is served out.
