//! E-mail addresses (RFC 5322 §3.4.1), limited to what mail systems accept.

/// Returns true if a text is one e-mail address, `addr-spec` of RFC 5322: without a name, and not a list of several.
pub fn is_email_address(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let plain = |c: char| !c.is_whitespace() && !c.is_control();
    !local.is_empty()
        && !local.contains(['@', '<', ',', ';'])
        && text.chars().all(plain)
        && domain.split('.').all(|label| !label.is_empty())
        && !domain.contains(['<', '>', ',', ';', ':', '"'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_address() {
        for good in ["ada@example.com", "a+b@x", "ada.lovelace@mail.example.com", "ädä@exämple.de"]
        {
            assert!(is_email_address(good), "{good}");
        }
        for bad in [
            "ada",
            "@example.com",
            "ada@",
            "ada@example..com",
            "Ada <ada@example.com",
            "victim@corp.test,x@acme.test",
            "victim,x@acme.test",
            "a b@example.com",
            "ada@example.com\n",
        ] {
            assert!(!is_email_address(bad), "{bad:?}");
        }
    }
}
