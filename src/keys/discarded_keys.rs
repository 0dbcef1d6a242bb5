//! Sealing keys that an administrator voided, by their IDs in an annotation of the Secret.

use std::collections::BTreeSet;

/// IDs of sealing keys that no replica may use any more. Values that they sealed cannot be opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DiscardedKeys(BTreeSet<[u8; 4]>);

impl DiscardedKeys {
    /// Parses the annotation: IDs of eight hexadecimal digits, or names of entries, separated by
    /// commas or white space. Returns the words that are neither.
    pub fn parse(annotation: &str) -> (Self, Vec<&str>) {
        let (mut ids, mut unread) = (BTreeSet::new(), Vec::new());
        let words = annotation.split(|it: char| it == ',' || it.is_whitespace());
        for word in words.filter(|word| !word.is_empty()) {
            let digits = word.strip_suffix(".json").unwrap_or(word);
            match u32::from_str_radix(digits, 16) {
                Ok(id) if digits.len() == 8 && !digits.starts_with('+') => {
                    ids.insert(id.to_be_bytes());
                }
                _ => unread.push(word),
            }
        }
        (Self(ids), unread)
    }

    /// Returns true if the key with this ID is void.
    pub fn contains(&self, id: &[u8; 4]) -> bool {
        self.0.contains(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_entry_names_are_read() {
        let (discarded, unread) = DiscardedKeys::parse(" 0a0b0c0d, ffffffff.json\n");
        assert!(discarded.contains(&[10, 11, 12, 13]) && discarded.contains(&[255; 4]));
        assert!(!discarded.contains(&[0; 4]) && unread.is_empty());
        assert_eq!(DiscardedKeys::parse("").0, DiscardedKeys::default());
    }

    #[test]
    fn other_words_are_reported() {
        let (discarded, unread) = DiscardedKeys::parse("all +a0b0c0d 0a0b0c0d0 0a0b0c0d");
        assert_eq!(unread, ["all", "+a0b0c0d", "0a0b0c0d0"]);
        assert!(discarded.contains(&[10, 11, 12, 13]));
    }
}
