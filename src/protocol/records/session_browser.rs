//! The browser of a session, as the account page shows it.

use serde::{Deserialize, Serialize};

/// Longest part of a `User-Agent` that is kept, in bytes.
const MAX_USER_AGENT_LEN: usize = 256;

/// The browser that a person signed in with, and its address then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionBrowser {
    /// The beginning of `User-Agent`, if the browser sent one.
    pub user_agent: Option<String>,
    /// The IP address of the browser at the sign-in, as trusted proxies forward it.
    pub address: String,
}

impl SessionBrowser {
    /// The browser of a request.
    pub fn new(user_agent: Option<&str>, address: String) -> Self {
        let bounded = |text: &str| {
            let end = text.floor_char_boundary(MAX_USER_AGENT_LEN);
            text[..end].to_owned()
        };
        Self { user_agent: user_agent.map(bounded), address }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_user_agent_is_cut_between_characters() {
        let address = || "127.0.0.1".to_owned();
        let long = "\u{e4}".repeat(200);
        let kept = SessionBrowser::new(Some(&long), address()).user_agent.expect("sent");
        assert_eq!(kept.len(), 256);
        let odd = format!("a{long}");
        let kept = SessionBrowser::new(Some(&odd), address()).user_agent.expect("sent");
        assert_eq!(kept.len(), 255);
        assert_eq!(SessionBrowser::new(None, address()).user_agent, None);
    }
}
