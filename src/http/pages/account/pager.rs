//! The links between the pages of a list.

use crate::messages::MessageCatalog;

/// The position of a page in its list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PagePosition {
    /// The number of the page, from 1.
    pub number: usize,
    /// The number of pages, at least 1.
    pub count: usize,
    /// The number of entries of all pages.
    pub total: usize,
}

/// The links to the pages before and after the one that is shown.
pub(super) struct Pager<'a> {
    /// The name of the list for screen readers (`aria-label`).
    pub(super) list: &'a str,
    /// The place of the page in words.
    pub(super) place: String,
    pub(super) position: PagePosition,
    pub(super) previous: Option<String>,
    pub(super) next: Option<String>,
}

impl<'a> Pager<'a> {
    /// A pager whose parameter and heading have this name.
    /// `language`: the end of the query of its links.
    pub(super) fn new(
        (name, language): (&str, &str),
        (list, text): (&'a str, &MessageCatalog),
        position: PagePosition,
    ) -> Self {
        let link = |number: usize| format!("?{name}={number}{language}#{name}");
        let PagePosition { number, count, .. } = position;
        Self {
            list,
            place: text.page_of(&number.to_string(), &count.to_string()).to_string(),
            position,
            previous: (number > 1).then(|| link(number - 1)),
            next: (number < count).then(|| link(number + 1)),
        }
    }
}
