//! The store of tests and trials: nothing survives.
