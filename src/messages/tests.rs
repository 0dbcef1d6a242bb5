use std::collections::BTreeMap;

use super::{
    LanguagePreferences, LanguageTag, Languages, MessageCatalog, MessageFile, MessageFileError,
    ids::MESSAGES, message_template,
};

fn tag(text: &str) -> LanguageTag {
    LanguageTag::parse(text).expect("a tag")
}

fn german() -> std::sync::Arc<MessageCatalog> {
    Languages::built_in().by_ui_locales("de").expect("built in").clone()
}

#[test]
fn each_built_in_language_has_all_messages_and_no_other() {
    for language in ["en", "de"] {
        let (file, errors) = MessageFile::parse(message_template(&tag(language)));
        assert_eq!(errors, [], "{language}");
        assert_eq!(file.missing().collect::<Vec<_>>(), [""; 0], "{language}");
    }
}

#[test]
fn german_texts_are_german() {
    let (english, german) = (MessageFile::parse(message_template(&tag("en"))).0, german());
    let english = MessageCatalog::complete(tag("en"), english.texts).expect("complete");
    assert_eq!(german.sign_in(), "Anmelden");
    assert_eq!(english.sign_in(), "Sign in");
    assert_eq!((german.lang(), german.direction()), ("de", "ltr"));
}

#[test]
fn ids_are_unique() {
    for (at, message) in MESSAGES.iter().enumerate() {
        assert!(!MESSAGES[..at].iter().any(|other| other.id == message.id), "{}", message.id);
    }
}

#[test]
fn a_message_is_filled_in() {
    let german = german();
    assert_eq!(german.continue_as("Ada").to_string(), "Weiter als Ada");
    assert_eq!(german.codes_left(1).to_string(), "1 Code ist übrig.");
    assert_eq!(german.codes_left(7).to_string(), "7 Codes sind übrig.");
    let hostile = german.to_continue_to("<b>\"'&\u{202e}").emphasised().to_string();
    assert_eq!(hostile, "weiter zu <strong>&#60;b&#62;&#34;&#39;&#38;\u{202e}</strong>");
    // A value is never taken for a placeholder.
    assert_eq!(german.continue_as("{name}").to_string(), "Weiter als {name}");
}

#[test]
fn days_times_and_durations_are_words() {
    use std::time::Duration;
    let (english, german) = (Languages::built_in().english().clone(), german());
    let at = jiff::civil::date(2026, 11, 30).at(8, 15, 4, 0);
    assert_eq!(english.time_in_words(at), "30 November 2026, 08:15 UTC");
    assert_eq!(english.day_in_words(at), "30 November 2026");
    assert_eq!(german.time_in_words(at), "30. November 2026, 08:15 Uhr UTC");
    let waits = [0, 1, 64, 91, 300, 5401].map(|it| english.wait_in_words(Duration::from_secs(it)));
    assert_eq!(waits, ["a second", "a second", "64 seconds", "2 minutes", "5 minutes", "2 hours"]);
    let uses = [0, 180, 3_700, 200_000].map(|it| english.use_in_words(Duration::from_secs(it)));
    let words = [
        "Used just now.",
        "Last used 3 minutes ago.",
        "Last used 1 hour ago.",
        "Last used 2 days ago.",
    ];
    assert_eq!(uses, words);
}

#[test]
fn the_language_is_that_of_the_first_wish() {
    let languages = Languages::built_in();
    let german = tag("de");
    for (ui_locales, accept_language, default, expected) in [
        (None, None, None, "en"),
        (Some("de"), Some("en"), None, "de"),
        (Some("fr de-AT en"), None, None, "de"),
        (Some("fr"), Some("de"), None, "de"),
        (Some("DE-at-x-y"), None, None, "de"),
        (Some("* ; <b> de_AT"), None, Some(&german), "de"),
        (None, Some("fr, en;q=0.2, de;q=0.8"), None, "de"),
        (None, Some("en;q=0, *"), Some(&german), "de"),
        (None, Some("de;q=0, en;q=0.1"), None, "en"),
        (None, Some("de;q=2, en"), None, "en"),
        (None, Some("en-GB,en;q=0.9,de;q=0.8"), Some(&german), "en"),
        (None, Some("fr"), Some(&german), "de"),
        (None, Some(""), Some(&german), "de"),
        (None, Some("*"), Some(&german), "de"),
        (None, Some("de-CH , en;q=0.9"), None, "de"),
        (None, Some(",,;q=,=;;q=0.5"), None, "en"),
    ] {
        let preferences = LanguagePreferences { ui_locales, accept_language, default };
        assert_eq!(languages.choose(preferences).lang(), expected, "{preferences:?}");
    }
}

#[test]
fn a_file_adds_a_language_and_falls_back() {
    let file = |text: &str| MessageFile::parse(text).0;
    let files = BTreeMap::from([
        (
            tag("pt-BR"),
            file(
                "sign_in: Entrar\ncodes_left: {one: '{count} código.', other: '{count} códigos.'}",
            ),
        ),
        (tag("de"), file("privacy_policy: Datenschutzerklärung")),
        (tag("de-AT"), file("month_1: Jänner")),
        (tag("ar"), file("sign_in: تسجيل الدخول")),
    ]);
    let languages = Languages::built_in().with_files(&files);
    let of = |range: &str| languages.by_ui_locales(range).expect("a language").clone();
    assert_eq!(
        languages.tags().map(LanguageTag::as_str).collect::<Vec<_>>(),
        ["en", "de", "ar", "de-AT", "pt-BR"]
    );
    // A range of fewer subtags finds a language that begins with it.
    assert_eq!((of("pt").sign_in(), of("pt").password()), ("Entrar", "Password"));
    assert_eq!(of("pt-BR").codes_left(0).to_string(), "0 código.");
    assert_eq!(
        (of("de").sign_in(), of("de").privacy_policy()),
        ("Anmelden", "Datenschutzerklärung")
    );
    assert_eq!(
        (of("de-AT").month_1(), of("de-AT").privacy_policy()),
        ("Jänner", "Datenschutzerklärung")
    );
    assert_eq!((of("de-CH").month_1(), of("ar").direction()), ("Januar", "rtl"));
    assert!(languages.by_ui_locales("p").is_none() && languages.by_ui_locales("pt-").is_none());
}

#[test]
fn an_invalid_part_of_a_file_does_not_affect_the_others() {
    use MessageFileError as E;
    let parse = |text: &str| {
        let (file, errors) = MessageFile::parse(text);
        (MESSAGES.len() - file.missing().count(), errors)
    };
    assert_eq!(parse(""), (0, vec![]));
    assert_eq!(parse("sign_in: A\nusername: B"), (2, vec![]));
    for (text, error) in [
        ("sign_inn: A", E::UnknownMessage("sign_inn".into())),
        ("next_step: 7", E::NotText("next_step")),
        ("next_step: {one: a, other: b}", E::NotPlural("next_step")),
        ("next_step: '  '", E::Empty("next_step")),
        ("next_step: \"a\\nb\"", E::ControlCharacter("next_step")),
        ("next_step: a}", E::Brace("next_step")),
        ("next_step: a {b", E::Brace("next_step")),
        ("continue_as: 'Weiter'", E::MissingPlaceholder { id: "continue_as", name: "name" }),
        (
            "continue_as: '{nom}'",
            E::UnknownPlaceholder { id: "continue_as", name: "nom".into(), known: "{name}".into() },
        ),
        (
            "codes_left: {other: '{n}'}",
            E::UnknownPlaceholder { id: "codes_left", name: "n".into(), known: "{count}".into() },
        ),
        ("codes_left: {one: a}", E::NoOtherForm("codes_left")),
        ("codes_left: {single: a}", E::UnknownForm { id: "codes_left", form: "single".into() }),
    ] {
        assert_eq!(parse(&format!("sign_in: A\n{text}")), (1, vec![error]), "{text}");
    }
    assert_eq!(parse(&format!("next_step: {}", "x".repeat(1001))).1, [E::TooLong("next_step")]);
    assert_eq!(parse(&" ".repeat(300_000)).1, [E::FileTooLong]);
    for unreadable in ["- a", "a: [", "sign_in: A\nsign_in: B", "text"] {
        let (messages, errors) = parse(unreadable);
        assert!(messages == 0 && matches!(*errors, [E::Unreadable(_)]), "{unreadable}: {errors:?}");
    }
}
