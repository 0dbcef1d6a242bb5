//! The listing of records that are due.

use super::VersionedRecord;

/// Records of a kind that are due.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DueRecords {
    /// The records, the earliest first.
    pub records: Vec<VersionedRecord>,
    /// The number of damaged records, which were skipped.
    pub skipped: usize,
}

impl DueRecords {
    /// The records of a listing, in which `None` stands for a damaged one.
    pub(super) fn of(listed: impl IntoIterator<Item = Option<VersionedRecord>>) -> Self {
        let mut found = Self::default();
        for record in listed {
            match record {
                Some(record) => found.records.push(record),
                None => found.skipped += 1,
            }
        }
        found
    }

    /// Returns true if a listing with this limit may have left records out, which are due later than these.
    pub fn may_be_cut_off(&self, limit: usize) -> bool {
        self.records.len().saturating_add(self.skipped) >= limit
    }
}
