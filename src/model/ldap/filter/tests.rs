//! Tests of filters.

use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> LdapFilter {
    LdapFilter::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn equal(attribute: &str, value: &[u8]) -> LdapFilter {
    LdapFilter::equal_bytes(attribute, value.to_vec())
}

#[test]
fn parses_the_examples_of_the_rfc() {
    // RFC 4515 §4
    assert_eq!(parse("(cn=Babs Jensen)"), equal("cn", b"Babs Jensen"));
    assert_eq!(parse("(!(cn=Tim Howes))"), LdapFilter::Not(Box::new(equal("cn", b"Tim Howes"))));
    let LdapFilter::And(parts) = parse("(&(objectClass=Person)(|(sn=Jensen)(cn=Babs J*)))") else {
        panic!("an and");
    };
    assert_eq!(parts.len(), 2);
    assert_eq!(
        parse("(o=univ*of*mich*)"),
        LdapFilter::Substrings {
            attribute: "o".into(),
            first: b"univ".to_vec(),
            middle: vec![b"of".to_vec(), b"mich".to_vec()],
            last: Vec::new(),
        }
    );
    assert_eq!(
        parse("(seeAlso=)"),
        LdapFilter::Equal { attribute: "seeAlso".into(), value: FilterValue(Vec::new()) }
    );
    assert_eq!(parse("(objectClass=*)"), LdapFilter::Present("objectClass".into()));
    assert_eq!(
        parse("(cn:dn:2.4.6.8.10:=Barney Rubble)"),
        LdapFilter::Matches {
            rule: Some("2.4.6.8.10".into()),
            attribute: Some("cn".into()),
            value: FilterValue::of(FilterPiece::Bytes(b"Barney Rubble".to_vec())),
            dn: true,
        }
    );
    assert!(matches!(parse("(:DN:2.4.6.8.10:=Dino)"), LdapFilter::Matches { dn: true, .. }));
    assert_eq!(
        parse("(o=Parens R Us \\28for all your parenthetical needs\\29)"),
        equal("o", b"Parens R Us (for all your parenthetical needs)")
    );
    assert_eq!(parse("(bin=\\00\\00\\00\\04)"), equal("bin", &[0, 0, 0, 4]));
    assert_eq!(parse("(sn=Lu\\c4\\8di\\c4\\87)"), equal("sn", "Lučić".as_bytes()));
    assert_eq!(parse("(sn=Lučić)"), equal("sn", "Lučić".as_bytes()));
    assert!(matches!(parse("(age>=3)"), LdapFilter::AtLeast { .. }));
    assert!(matches!(parse("(age<=3)"), LdapFilter::AtMost { .. }));
    assert!(matches!(parse("(cn~=Jo)"), LdapFilter::Approximately { .. }));
}

#[test]
fn white_space_may_stand_between_parts() {
    assert_eq!(parse(" (& \n  (a=1)\n\t(b=2) ) \n"), parse("(&(a=1)(b=2))"));
}

#[test]
fn placeholders_are_parts_of_values() {
    let filter = parse("(mail={username}@corp.test)");
    let LdapFilter::Equal { value, .. } = &filter else { panic!("an equality") };
    let text = FilterPiece::Bytes(b"@corp.test".to_vec());
    assert_eq!(value.pieces(), [FilterPiece::Username, text]);
    assert!(filter.has_placeholder() && filter.names(&FilterPiece::Username));
    assert!(!filter.names(&FilterPiece::Dn));
    assert!(parse("(!(|(a=1)(member={dn})))").names(&FilterPiece::Dn));
    assert!(!parse("(a=\\7busername\\7d)").has_placeholder());
}

#[test]
fn comparisons_to_placeholders_can_be_taken_out() {
    let filter = parse("(&(objectClass=user)(!(x=1))(|(a={username})(b={username}@c))(!(d={dn})))");
    let rest = "(&(objectClass=user)(!(x=1))(|(objectClass=*)(objectClass=*))(objectClass=*))";
    assert_eq!(filter.without_placeholders(), parse(rest));
}

#[test]
fn wrong_filters_are_named_with_their_place() {
    for (wrong, at) in [
        ("", 1),
        ("uid=x", 1),
        ("(uid=x", 7),
        ("(uid=x))", 8),
        ("(uid)", 2),
        ("(&)", 3),
        ("(uid=a(b)", 7),
        ("(uid=\\2)", 6),
        ("(uid=\\zz)", 6),
        ("(uid={user})", 6),
        ("(uid={username}*)", 17),
        ("(ü=x)", 2),
        ("({username}=x)", 2),
        ("(a=b**c)", 8),
        ("(:=x)", 2),
        ("(a:b:c:=x)", 2),
    ] {
        let error = LdapFilter::parse(wrong).expect_err(wrong);
        assert_eq!(error.at, at, "{wrong}: {error}");
    }
    let deep = format!("{}(a=1){}", "(!".repeat(11), ")".repeat(11));
    assert!(LdapFilter::parse(&deep).is_err());
    let deepest = format!("{}(a=1){}", "(!".repeat(10), ")".repeat(10));
    assert!(LdapFilter::parse(&deepest).is_ok());
}

proptest! {
    #[test]
    fn parsing_never_panics(text in "[()&|!=*:{}a-z\\\\0-9 ü]{0,40}") {
        let _ = LdapFilter::parse(&text);
    }
}

#[test]
fn the_rule_of_a_comparison_is_found_in_every_part() {
    let uses = |text| parse(text).uses_rule("1.2.3");
    assert!(uses("(&(a=1)(|(!(member:1.2.3:={dn}))(b=2)))"));
    assert!(!uses("(&(a=1.2.3)(member:1.2.4:={dn}))"));
}
