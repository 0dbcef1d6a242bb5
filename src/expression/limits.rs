//! The bounds of expressions and of their evaluation.

/// Maximum length of an expression in bytes.
pub const MAX_EXPRESSION_LEN: usize = 1024;

/// Maximum number of elements that one loop visits.
pub const MAX_LOOP_ELEMENTS: usize = 512;

/// Maximum depth of brackets, and of the tree.
pub(super) const MAX_DEPTH: usize = 48;

/// Maximum size of a compiled pattern in bytes.
pub(super) const MAX_PATTERN_SIZE: usize = 128 << 10;

/// Maximum number of steps of one evaluation. A step is an operation, an element, 64 bytes that
/// are read, or a byte that a pattern of 1 KiB is compared with.
pub(super) const MAX_STEPS: u32 = 50_000;

/// Maximum number of steps of the evaluations that share them: twice those of one.
pub(super) const MAX_SHARED_STEPS: u32 = 100_000;

/// Maximum number of bytes that one evaluation creates.
pub(super) const MAX_CREATED_BYTES: usize = 1 << 20;

/// Maximum number of characters of a key that an error shows.
pub(super) const MAX_SHOWN_KEY: usize = 64;
