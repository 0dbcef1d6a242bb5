//! Tests of messages, with bytes from RFC 4511 and of servers.

use proptest::prelude::*;

use super::*;

#[test]
fn a_bind_is_simple() {
    let bytes = bind_request(2, "cn=a", "pw");
    assert_eq!(
        bytes,
        [
            0x30, 0x12, 0x02, 0x01, 0x02, 0x60, 0x0d, 0x02, 0x01, 0x03, 0x04, 0x04, b'c', b'n',
            b'=', b'a', 0x80, 0x02, b'p', b'w'
        ]
    );
    assert_eq!(unbind_request(3), [0x30, 0x05, 0x02, 0x01, 0x03, 0x42, 0x00]);
}

fn result(tag: u8, code: u32, text: &str) -> Vec<u8> {
    let parts = [
        encode_number(ENUMERATED, code),
        encode_element(OCTET_STRING, b""),
        encode_element(OCTET_STRING, text.as_bytes()),
    ];
    encode_elements(tag, &parts)
}

fn content(id: u32, rest: &[Vec<u8>]) -> Vec<u8> {
    [&[encode_number(INTEGER, id)], rest].concat().concat()
}

#[test]
fn answers_are_read() {
    let refused = LdapResult { code: 49, message: "data 52e, v1".to_owned() };
    let bytes = content(7, &[result(BIND_RESPONSE, 49, "data 52e, v1\0")]);
    assert_eq!(read_message(&bytes), Ok((7, LdapAnswer::Bind(refused))));
    let attribute = encode_elements(
        SEQUENCE,
        &[
            encode_element(OCTET_STRING, b"cn"),
            encode_elements(SET, &[encode_element(OCTET_STRING, b"Ada")]),
        ],
    );
    let entry = encode_elements(
        SEARCH_ENTRY,
        &[encode_element(OCTET_STRING, b"cn=a"), encode_elements(SEQUENCE, &[attribute])],
    );
    let expected = LdapEntry {
        dn: "cn=a".to_owned(),
        attributes: vec![("cn".to_owned(), vec![b"Ada".to_vec()])],
    };
    assert_eq!(read_message(&content(2, &[entry])), Ok((2, LdapAnswer::Entry(expected))));
    let reference = encode_element(SEARCH_REFERENCE, b"\x04\x08ldap://x");
    assert_eq!(read_message(&content(2, &[reference])), Ok((2, LdapAnswer::Reference)));
}

#[test]
fn a_page_has_the_cookie_of_the_next() {
    let control = |critical: bool| {
        let value = [encode_number(INTEGER, 0), encode_element(OCTET_STRING, b"next")];
        let value = encode_element(OCTET_STRING, &encode_elements(SEQUENCE, &value));
        let mut parts = vec![encode_element(OCTET_STRING, PAGED_RESULTS)];
        parts.extend(critical.then(|| encode_element(BOOLEAN, &[0])));
        parts.push(value);
        let other = encode_elements(SEQUENCE, &[encode_element(OCTET_STRING, b"1.2.3")]);
        encode_elements(CONTROLS, &[other, encode_elements(SEQUENCE, &parts)])
    };
    for critical in [true, false] {
        let bytes = content(2, &[result(SEARCH_DONE, 0, ""), control(critical)]);
        let Ok((_, LdapAnswer::Done(_, cookie))) = read_message(&bytes) else { panic!("done") };
        assert_eq!(cookie, b"next");
    }
    let bytes = content(2, &[result(SEARCH_DONE, 0, "")]);
    assert!(
        matches!(read_message(&bytes), Ok((2, LdapAnswer::Done(_, cookie))) if cookie.is_empty())
    );
}

#[test]
fn texts_of_servers_are_short_and_printable() {
    let long = format!("a\n\x1b[31m{}", "x".repeat(1000));
    let bytes = content(2, &[result(BIND_RESPONSE, 1, &long)]);
    let Ok((_, LdapAnswer::Bind(result))) = read_message(&bytes) else { panic!("a bind") };
    assert_eq!(result.message.len(), MAX_MESSAGE_CHARS);
    assert!(!result.message.chars().any(char::is_control));
    assert_eq!(LdapResult { code: 32, message: String::new() }.to_string(), "no such entry (32)");
}

proptest! {
    #[test]
    fn reading_never_panics(bytes: Vec<u8>) {
        let _ = read_message(&bytes);
        let _ = read_message(&[&[0x02, 0x01, 0x02, 0x64, 0x20][..], &bytes].concat());
        let _ = read_message(&[&[0x02, 0x01, 0x02, 0x65, 0x07, 0x0a, 0x01, 0, 4, 0, 4, 0, 0xa0, 0x20][..], &bytes].concat());
    }
}
