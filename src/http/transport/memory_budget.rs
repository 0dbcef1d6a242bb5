//! Limits the memory that clients cause: in total, and for each client address, so that one client
//! cannot use all of it.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::model::throttle_prefix;

/// Issues permits for bytes of memory, within the limits.
#[derive(Debug)]
pub struct MemoryBudget {
    total: usize,
    /// Maximum of an address; 0: no limit for an address.
    of_address: usize,
    usage: Mutex<MemoryUsage>,
}

/// The bytes of all permits, in total and for each address.
#[derive(Debug, Default)]
struct MemoryUsage {
    total: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// The limit that was exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MemoryExceeded {
    /// The limit of the client's address.
    #[error("the client's address has too many bytes in flight")]
    Address,
    /// The limit of the server: little is free, and newcomers have a claim to it.
    #[error("the server has too many bytes in flight")]
    Total,
}

/// A share of the memory, returned when it is dropped.
#[derive(Debug)]
pub struct MemoryPermit {
    budget: Arc<MemoryBudget>,
    /// `None` if no address is limited.
    address: Option<IpAddr>,
    bytes: usize,
}

impl MemoryBudget {
    /// A budget of `total` bytes, and of `of_address` bytes for each address (0: no limit).
    pub fn new(total: usize, of_address: usize) -> Arc<Self> {
        Arc::new(Self { total, of_address, usage: Mutex::default() })
    }

    /// A permit of no bytes yet. Without an address, only the total is limited.
    pub fn permit(self: &Arc<Self>, address: Option<IpAddr>) -> MemoryPermit {
        let address = address.filter(|_| self.of_address > 0).map(throttle_prefix);
        MemoryPermit { budget: Arc::clone(self), address, bytes: 0 }
    }

    /// The bytes of all permits.
    pub fn used(&self) -> usize {
        self.usage().total
    }

    fn usage(&self) -> MutexGuard<'_, MemoryUsage> {
        self.usage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the usage permits `bytes` more. An address has at most as much as is free, so a few
    /// addresses cannot take everything.
    fn check(
        &self,
        usage: &MemoryUsage,
        address: Option<IpAddr>,
        bytes: usize,
    ) -> Result<(), MemoryExceeded> {
        let free = self.total.saturating_sub(usage.total);
        let Some(address) = address else {
            return if bytes <= free { Ok(()) } else { Err(MemoryExceeded::Total) };
        };
        let own = usage.by_address.get(&address).copied().unwrap_or_default() + bytes;
        if own > self.of_address {
            return Err(MemoryExceeded::Address);
        }
        if own > free { Err(MemoryExceeded::Total) } else { Ok(()) }
    }
}

impl MemoryPermit {
    /// Adds bytes, unless a limit would be exceeded.
    pub fn grow(&mut self, bytes: usize) -> Result<(), MemoryExceeded> {
        self.resize(self.bytes + bytes)
    }

    /// Sets the number of bytes. Fails without a change if it grows beyond a limit.
    pub fn resize(&mut self, bytes: usize) -> Result<(), MemoryExceeded> {
        if bytes == self.bytes {
            return Ok(());
        }
        let mut usage = self.budget.usage();
        if bytes > self.bytes {
            self.budget.check(&usage, self.address, bytes - self.bytes)?;
        }
        usage.total = usage.total + bytes - self.bytes;
        if let Some(address) = self.address {
            let own = usage.by_address.entry(address).or_default();
            *own = *own + bytes - self.bytes;
            if *own == 0 {
                usage.by_address.remove(&address);
            }
        }
        self.bytes = bytes;
        Ok(())
    }
}

impl Drop for MemoryPermit {
    fn drop(&mut self) {
        // A permit can always shrink.
        let _ = self.resize(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    #[test]
    fn an_address_has_a_limit_and_gets_back_what_is_dropped() {
        let budget = MemoryBudget::new(1000, 100);
        let (mut one, mut other) =
            (budget.permit(Some(address(1))), budget.permit(Some(address(1))));
        assert_eq!(one.grow(60), Ok(()));
        assert_eq!(other.grow(41), Err(MemoryExceeded::Address));
        assert_eq!(other.grow(40), Ok(()));
        assert_eq!(budget.permit(Some(address(2))).grow(100), Ok(()), "another address");
        drop(one);
        assert_eq!(other.resize(100), Ok(()));
        assert_eq!(other.resize(10), Ok(()));
        assert_eq!(budget.used(), 10);
        drop(other);
        assert_eq!(budget.used(), 0);
        assert!(budget.usage().by_address.is_empty());
    }

    #[test]
    fn greedy_addresses_leave_memory_for_others() {
        let budget = MemoryBudget::new(1000, 600);
        let greedy: Vec<_> = (0..40)
            .map(|last| {
                let mut permit = budget.permit(Some(address(last)));
                while permit.grow(10).is_ok() {}
                permit
            })
            .collect();
        assert!(greedy[0].bytes <= 500, "{}", greedy[0].bytes);
        assert!(budget.used() <= 1000);
        let later = MemoryBudget::new(1000, 600);
        let mut first = later.permit(Some(address(1)));
        while first.grow(10).is_ok() {}
        assert_eq!(later.permit(Some(address(2))).grow(200), Ok(()), "half is left for the others");
        assert_eq!(later.permit(None).grow(501), Err(MemoryExceeded::Total));
        assert_eq!(later.permit(None).grow(500), Ok(()));
    }

    #[test]
    fn without_a_limit_for_addresses_the_total_remains() {
        let budget = MemoryBudget::new(100, 0);
        let mut permit = budget.permit(Some(address(1)));
        assert_eq!(permit.grow(100), Ok(()));
        assert_eq!(budget.permit(Some(address(2))).grow(1), Err(MemoryExceeded::Total));
    }
}
