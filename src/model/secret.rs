//! Secret values, which cannot be printed.

use std::fmt;

use aws_lc_rs::constant_time;
use zeroize::Zeroize;

/// A secret value. It has no `Display` or `Serialize`, its `Debug` output is redacted, comparison
/// takes constant time, and the value is zeroed when dropped.
#[derive(Clone)]
pub struct Secret<T: Zeroize>(T);

impl<T: Zeroize> Secret<T> {
    /// Wraps a value, which is zeroed when the secret is dropped.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// Returns the value. Call this only where the value is used, not where it could be printed.
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl<T: Zeroize + AsRef<[u8]>> PartialEq for Secret<T> {
    fn eq(&self, other: &Self) -> bool {
        constant_time::verify_slices_are_equal(self.0.as_ref(), other.0.as_ref()).is_ok()
    }
}

impl<T: Zeroize + AsRef<[u8]>> Eq for Secret<T> {}
