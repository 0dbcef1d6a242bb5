//! Properties that hold for every page.

use std::{cell::Cell, collections::BTreeSet, net::Ipv4Addr, sync::Arc};

use serde_json::{Map, Value};
use url::Url;

use super::*;
use crate::{
    messages::{LanguageTag, Languages, MessageCatalog},
    model::{
        Account, BrandingLink, Client, ClientDetails, DynamicRegistration, LinkPurpose,
        LocalizedText, ObjectMark, RequiredFactor, ResourceServers, Subject, Tenant, Timestamp,
        fixtures,
    },
    protocol::{
        authorization_details::{GrantedDetail, MAX_DETAILS, parse_authorization_details},
        authorize::{
            AuthorizationRequest, SignInReason, TenantLookup, validate_authorization_request,
        },
        error::{ErrorCode, OAuthError},
        params::RequestParams,
        records::{AccountMarks, PasskeyRecord, SessionBrowser},
        webauthn::PasskeyPublicKey,
    },
};

/// Markup that an attacker may have put into any text.
const NASTY: &str = "<script>alert(1)</script>\" onload=\"x";

thread_local! {
    /// The texts of the pages of this test.
    static TEXT: Cell<&'static MessageCatalog> = Cell::new(catalog("en"));
}

fn text() -> &'static MessageCatalog {
    TEXT.get()
}

fn catalog(language: &str) -> &'static MessageCatalog {
    let languages = Languages::built_in();
    let found = languages.by_ui_locales(language).expect("a language");
    Box::leak(Box::new(MessageCatalog::clone(found)))
}

fn tenant() -> Tenant {
    let mut tenant = fixtures::tenant();
    tenant.display_name = format!("Shop {NASTY}");
    tenant.branding.logo_uri = Some("https://cdn.test/logo.png".into());
    tenant.branding.primary_color = Some("#ffd166".into());
    let english = || LanguageTag::parse("en").expect("a tag");
    let nasty = || LocalizedText::new(vec![(english(), NASTY.to_owned())]);
    tenant.branding.support = nasty();
    tenant.branding.sign_in_hint = nasty();
    tenant.branding.links = vec![
        BrandingLink {
            uri: "https://shop.test/help".into(),
            purpose: Some(LinkPurpose::Help),
            text: LocalizedText::default(),
        },
        BrandingLink { uri: "javascript:alert(1)".into(), purpose: None, text: nasty() },
    ];
    tenant
}

fn client() -> Client {
    let details = ClientDetails {
        client_uri: Some("https://rp.test".into()),
        logo_uri: Some("https://rp.test/logo.png".into()),
        policy_uri: Some("javascript:alert(1)".into()),
        ..ClientDetails::default()
    };
    let name = format!("Wiki {NASTY}");
    Client { name, details: Arc::new(details), ..fixtures::client() }
}

fn user() -> Account {
    let claims = Map::from_iter([("name".to_owned(), Value::from(NASTY))]);
    Account { claims, ..fixtures::user() }
}

struct Only(Arc<Client>);

impl TenantLookup for Only {
    fn client(&self, _: &str) -> Option<Arc<Client>> {
        Some(self.0.clone())
    }

    fn id_token(&self, _: &str) -> Option<Map<String, Value>> {
        None
    }

    fn resource_servers(&self) -> &ResourceServers {
        ResourceServers::none()
    }
}

fn ask() -> AuthorizationRequest {
    let query = "client_id=team.wiki&redirect_uri=https://rp.test/cb&response_type=code\
                 &scope=offline_access+badges+openid";
    validate_authorization_request(
        &tenant(),
        &Only(Arc::new(client())),
        &RequestParams::parse(query.as_bytes()),
    )
    .expect("the request is valid")
}

fn registered() -> DynamicRegistration {
    DynamicRegistration { token_hash: None, at: None, used: false }
}

fn sign_in_with(change: impl FnOnce(&mut SignInPage)) -> String {
    let (tenant, client) = (tenant(), client());
    let mut page = sample_sign_in_page(&tenant, &client);
    change(&mut page);
    sign_in_page(&page)
}

fn sample_sign_in_page<'a>(tenant: &'a Tenant, client: &'a Client) -> SignInPage<'a> {
    SignInPage {
        tenant,
        text: text(),
        client,
        redirect_uri: Some("https://rp.test/cb"),
        interaction: "sealed",
        username: "",
        reason: SignInReason::NoSession,
        problem: None,
        account: None,
        providers: &[],
        fields: SignInFields::NameAndPassword,
        passkey: None,
        offers_reset: false,
    }
}

fn provider_button() -> ProviderButton {
    ProviderButton {
        name: NASTY.to_owned(),
        href: "/login/corp?interaction=sealed&login_hint=a".into(),
        unreachable: false,
    }
}

fn sample_consent_page() -> String {
    consent_page(&ConsentPage {
        tenant: &tenant(),
        text: text(),
        request: &ask(),
        user: &user(),
        cross_device: None,
        interaction: "sealed",
    })
}

fn sample_refused_page() -> String {
    refused_entry_page(&RefusedEntryPage {
        tenant: &tenant(),
        text: text(),
        request: &ask(),
        user: &user(),
        message: Some(NASTY),
        interaction: "sealed",
    })
}

/// A granted detail of a resource server that is not served any more.
fn detail() -> GrantedDetail {
    let text = serde_json::json!([{ "type": "payment", "to": NASTY }]).to_string();
    let detail = parse_authorization_details(&text).expect("details").remove(0);
    GrantedDetail { resource: NASTY.to_owned(), detail }
}

fn sample_application<'a>(
    permissions: &'a BTreeSet<String>,
    details: &'a [GrantedDetail],
    granted_at: Timestamp,
) -> ApplicationEntry<'a> {
    ApplicationEntry {
        client_id: NASTY,
        name: NASTY,
        logo: Some("https://rp.test/logo.png"),
        unverified: Some(vec!["https://stranger.test/cb"]),
        document_host: Some("document.test"),
        permissions,
        details,
        granted_at,
    }
}

fn sample_account_page() -> String {
    let (tenant, user) = (tenant(), user());
    let permissions = BTreeSet::from(["openid".to_owned(), "profile".to_owned()]);
    let browser = SessionBrowser::new(Some(NASTY), Ipv4Addr::LOCALHOST.to_string());
    let now = Timestamp::from_secs(1_900_000_000);
    let position = PagePosition { number: 2, count: 3, total: 25 };
    let passkey = passkey();
    let details = vec![detail(); MAX_DETAILS + 1];
    account_page(&AccountPage {
        tenant: &tenant,
        text: text(),
        resource_servers: ResourceServers::none(),
        user: &user,
        provider: Some(NASTY),
        requested: Some(text().tag()),
        interaction: "sealed",
        notice: Some(text().session_ended()),
        now,
        authenticator: AuthenticatorEntry::SetUp { at: now, is_required: false },
        passkeys: vec![PasskeyEntry { id: NASTY, passkey: &passkey }],
        offers_passkeys: true,
        recovery_codes: Some(1),
        password_since: Some(now),
        waiting: vec![WaitingRequestEntry {
            id: NASTY,
            application: NASTY,
            binding_message: Some(NASTY),
            permissions: &permissions,
            requested_at: now,
            address: NASTY,
        }],
        tiles: AccountPagePart {
            entries: vec![
                ApplicationTile { name: NASTY, href: "https://rp.test/a?b=c".into(), logo: None },
                ApplicationTile { name: "Bad", href: "javascript:alert(1)".into(), logo: None },
            ],
            position,
        },
        applications: AccountPagePart {
            entries: vec![sample_application(&permissions, &details, now)],
            position,
        },
        sessions: AccountPagePart {
            entries: vec![SessionEntry {
                sid: "sid-1",
                browser: Some(&browser),
                is_current: true,
                signed_in_at: now,
                used_at: now,
                provider: Some(NASTY),
            }],
            position,
        },
    })
}

#[test]
fn the_account_page_says_what_applications_may_do_and_where_sessions_are() {
    let page = sample_account_page();
    for expected in [
        "Know who you are. See your profile. Since 17 March 2030.",
        "<span class=\"scope-title\">payment</span>",
        ">to: <bdi>&#60;script&#62;",
        "<p class=\"entry-detail\">1 more permission is not shown.</p>",
        "It registered itself.",
        "<strong>stranger.test</strong>",
        "Unknown browser",
        "from 127.0.0.1",
        "aria-label=\"Withdraw the access of ",
        "href=\"?sessions=3&#38;ui_locales=en#sessions\" rel=\"next\"",
        "Page 2 of 3",
    ] {
        assert!(page.contains(expected), "{expected}: {page}");
    }
    assert_eq!(page.matches("class=\"tile\"").count(), 1, "only web addresses: {page}");
}

fn sample_second_factor_page() -> String {
    second_factor_page(SecondFactorPage {
        tenant: &tenant(),
        text: text(),
        client: &client(),
        redirect_uri: Some("https://rp.test/cb"),
        user: &user(),
        interaction: "sealed",
        sign_in: Some(NASTY),
        has_app: true,
        passkey: None,
        recovers_here: true,
        changes_by_passkey: false,
        title: text().enter_code_title(),
        problem: Some(NASTY),
    })
}

fn sample_authenticator_app_page() -> String {
    authenticator_app_page(AuthenticatorAppPage {
        tenant: &tenant(),
        text: text(),
        user: &user(),
        lead: NASTY,
        action: NASTY,
        hidden: &[("enrolment", NASTY)],
        secret: b"12345678901234567890",
        problem: Some(NASTY),
        back: Some(NASTY),
    })
}

fn passkey() -> PasskeyRecord {
    let mark = ObjectMark::of("uid-1");
    PasskeyRecord {
        subject: Subject::new("alice"),
        provider: None,
        credential_id: vec![1; 32],
        public_key: PasskeyPublicKey::Ed25519(vec![2; 32]),
        user_handle: vec![3; 64],
        sign_count: 0,
        backup_eligible: true,
        backed_up: true,
        name: NASTY.to_owned(),
        enrolled_at: Timestamp::from_secs(1_900_000_000),
        used_at: None,
        marks: AccountMarks { person: mark, tenant: mark, credential: None, generation: 1 },
        copied_at: None,
        invitation: None,
    }
}

fn sample_passkey_page() -> String {
    let passkey = passkey();
    passkey_page(PasskeyPage {
        tenant: &tenant(),
        text: text(),
        action: NASTY,
        interaction: "sealed",
        passkey: PasskeyEntry { id: NASTY, passkey: &passkey },
        problem: Some(NASTY),
    })
}

fn passkey_prompt() -> PasskeyPrompt<'static> {
    PasskeyPrompt {
        rp_id: NASTY,
        challenge: NASTY.to_owned(),
        sealed: NASTY.to_owned(),
        credentials: NASTY.to_owned(),
        autofill: true,
        second_factor: Some(PromptedFactor { sign_in: Some(NASTY) }),
        script: passkey_script(&tenant()),
    }
}

/// The pages whose script asks for a passkey.
fn pages_for_passkeys() -> Vec<String> {
    let (prompt, tenant_of_page, client_of_page) = (passkey_prompt(), tenant(), client());
    let page = sample_sign_in_page(&tenant_of_page, &client_of_page);
    vec![
        sign_in_page(&SignInPage { passkey: Some(&prompt), ..page }),
        second_factor_page(SecondFactorPage {
            tenant: &tenant(),
            text: text(),
            client: &client(),
            redirect_uri: Some("https://rp.test/cb"),
            user: &user(),
            interaction: "sealed",
            sign_in: None,
            has_app: false,
            passkey: Some(&prompt),
            recovers_here: false,
            changes_by_passkey: false,
            title: text().use_passkey_title(),
            problem: None,
        }),
        passkey_setup_page(&PasskeySetupPage {
            tenant: &tenant(),
            text: text(),
            user: &user(),
            lead: NASTY,
            without_script: NASTY,
            rp_id: NASTY,
            action: NASTY,
            hidden: &[("challenge", NASTY)],
            challenge: b"challenge",
            user_handle: b"handle",
            existing: vec![&b"one"[..], &b"two"[..]],
            name: NASTY,
            problem: Some(NASTY),
            back: Some(NASTY),
        }),
    ]
}

fn sample_missing_factor_page() -> String {
    missing_factor_page(&MissingFactorPage {
        tenant: &tenant(),
        text: text(),
        client: &client(),
        redirect_uri: Some("https://rp.test/cb"),
        user: &user(),
        factor: RequiredFactor::Passkey,
        provider: Some(NASTY),
        can_set_up: false,
        offers_return: true,
        other_account: Some(NASTY.to_owned()),
        interaction: "sealed",
    })
}

#[test]
fn pages_for_passkeys_load_one_script_file_and_hide_what_needs_it() {
    for page in pages_for_passkeys() {
        assert_eq!(page.matches("<script").count(), 1, "{page}");
        let file = "<script src=\"/team/shop/_lanyard/passkey.js?v=";
        assert!(page.contains(file), "{page}");
        assert!(page.contains("id=\"passkey\" hidden"), "{page}");
        for forbidden in ["style=", "<style", "javascript:", " onload=\""] {
            assert!(!page.contains(forbidden), "{forbidden} in {page}");
        }
        assert_eq!(page.matches("<h1>").count(), 1, "{page}");
    }
    let sign_in = &pages_for_passkeys()[0];
    assert!(sign_in.contains("autocomplete=\"username webauthn\""), "{sign_in}");
}

#[test]
fn an_app_is_set_up_by_a_picture_or_by_a_key() {
    let page = sample_authenticator_app_page();
    assert!(page.contains("<svg class=\"qr\" role=\"img\" aria-label="), "{page}");
    assert!(page.contains("GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ"), "{page}");
}

fn all() -> Vec<String> {
    let error_of = OAuthError::new(ErrorCode::InvalidRequest, NASTY);
    let confirm = LogoutConfirmPage {
        tenant: &tenant(),
        text: text(),
        client: Some(&client()),
        user: &user(),
        hidden: &[("token", NASTY)],
    };
    vec![
        sign_in_with(|_| ()),
        sign_in_with(|page| {
            page.username = NASTY;
            page.problem = Some(NASTY);
        }),
        sign_in_with(|page| page.account = Some(AccountView::from(&user()))),
        sign_in_with(|page| page.fields = SignInFields::Name),
        provider_redirect((&tenant(), text()), &provider_button()),
        sample_consent_page(),
        sample_refused_page(),
        logout_confirm_page(&confirm),
        signed_out_page(&tenant(), text()),
        still_signed_in_page(&tenant(), text()),
        cancelled_sign_in_page(&tenant(), text()),
        sample_account_page(),
        sample_second_factor_page(),
        sample_authenticator_app_page(),
        sample_passkey_page(),
        recovery_codes_page(RecoveryCodesPage {
            tenant: &tenant(),
            text: text(),
            user: &user(),
            notice: NASTY,
            codes: &[NASTY.to_owned()],
            account_page: NASTY,
        }),
        oauth_error_page((Some(&tenant()), text()), &error_of, "r1"),
        oauth_error_page((None, text()), &error_of, "r1"),
    ]
}

#[test]
fn marks_self_registered_clients_with_their_redirect_host() {
    let stranger = Client { registered: Some(Box::new(registered())), ..client() };
    let asked = AuthorizationRequest { client: Arc::new(stranger.clone()), ..ask() };
    let (tenant, user) = (tenant(), user());
    let page = ConsentPage {
        tenant: &tenant,
        text: text(),
        request: &asked,
        user: &user,
        cross_device: None,
        interaction: "sealed",
    };
    assert!(consent_page(&page).contains("registered itself"), "{}", consent_page(&page));
    let of = |client: &Client, uri: &str| {
        let page = sample_sign_in_page(&tenant, client);
        sign_in_page(&SignInPage { redirect_uri: Some(uri), ..page })
    };
    for (uri, place) in [
        ("https://evil.test:8443/cb", "<strong>evil.test</strong>"),
        ("com.example.app:/cb", "<strong>com.example.app</strong>"),
    ] {
        let page = of(&stranger, uri);
        assert!(page.contains("registered itself") && page.contains(place), "{page}");
        assert!(!of(&client(), uri).contains("registered itself"));
    }
}

#[test]
fn names_the_hosts_of_a_document_and_of_the_response() {
    // draft-ietf-oauth-client-id-metadata-document §8.1, §8.5
    let described = Client { document_host: Some("app.test".into()), ..client() };
    let asked = AuthorizationRequest { client: Arc::new(described.clone()), ..ask() };
    let (tenant, user) = (tenant(), user());
    let page = ConsentPage {
        tenant: &tenant,
        text: text(),
        request: &asked,
        user: &user,
        cross_device: None,
        interaction: "sealed",
    };
    assert!(consent_page(&page).contains("describes itself at <strong>app.test</strong>"));
    for (uri, place) in [
        ("https://rp.test/cb", "It redirects you to <strong>rp.test</strong>"),
        ("http://localhost:7/cb", "a program on this device (<strong>localhost</strong>)"),
        ("http://[::1]:7/cb", "a program on this device (<strong>[::1]</strong>)"),
    ] {
        let page = sample_sign_in_page(&tenant, &described);
        let page = sign_in_page(&SignInPage { redirect_uri: Some(uri), ..page });
        assert!(page.contains("<strong>app.test</strong>") && page.contains(place), "{page}");
        assert!(!page.contains("registered itself"), "{page}");
    }
}

#[test]
fn names_its_language_and_fits_phones() {
    for language in ["en", "de"] {
        TEXT.set(catalog(language));
        for page in all() {
            assert!(page.contains(&format!("<html lang=\"{language}\" dir=\"ltr\">")), "{page}");
            assert!(page.contains("width=device-width"));
            assert!(page.starts_with("<!doctype html>"));
        }
    }
}

/// All pages, those that load scripts among them.
fn all_with_scripts() -> Vec<String> {
    let (tenant, text, field) = (tenant(), text(), [("code".to_owned(), "1".to_owned())]);
    let of = (&tenant, text);
    let frames = [Url::parse("https://rp.test/out").expect("a URL")];
    let others = [
        form_post(of, "https://rp.test/cb", &field),
        frontchannel_logout_page(of, &frames, AfterSignOut::Nothing),
        frontchannel_logout_page(of, &[], AfterSignOut::Return("https://rp.test")),
        frontchannel_logout_page(
            of,
            &[],
            AfterSignOut::Provider { name: NASTY, url: "https://idp.test" },
        ),
        frontchannel_logout_page(
            of,
            &[],
            AfterSignOut::StillSignedIn { name: NASTY, return_to: Some("/") },
        ),
        check_session(of, "cookie"),
        base_root(&tenant.issuer, Some("/demo"), text),
        choose_password_page(ChoosePasswordPage {
            tenant: &tenant,
            text,
            user: &user(),
            title: text.welcome_title(),
            lead: &text.invited_lead(NASTY).to_string(),
            action: "/invitation",
            hidden: &[],
            problem: None,
            back: Some("/"),
        }),
        sign_in_with(|page| {
            page.fields = SignInFields::Absent;
            page.reason = SignInReason::HigherLevel;
        }),
    ];
    all()
        .into_iter()
        .chain(pages_for_passkeys())
        .chain([sample_missing_factor_page()])
        .chain(others)
        .collect()
}

/// The texts of a page that people read or hear, without those of the application's developer.
fn readable_texts(page: &str) -> Vec<String> {
    let mut texts = Vec::new();
    let mut foreign: Option<String> = None;
    for part in page.split('<').skip(1) {
        let (tag, text) = part.split_once('>').expect("a whole tag");
        for name in ["alt", "aria-label", "title", "placeholder", "data-failed", "data-exists"] {
            let value = tag.split_once(&format!(" {name}=\"")).map(|(_, rest)| rest);
            texts.extend(value.and_then(|rest| rest.split('"').next()).map(str::to_owned));
        }
        let name = tag.split([' ', '\n']).next().unwrap_or_default();
        if foreign.is_none() && (name == "code" || (name != "html" && tag.contains(" lang=\"en\"")))
        {
            foreign = Some(format!("/{name}"));
        }
        if foreign.is_none() {
            texts.push(text.to_owned());
        } else if foreign.as_deref() == Some(name) {
            foreign = None;
            texts.push(text.to_owned());
        }
    }
    texts
}

#[test]
fn every_text_is_of_the_catalogue() {
    TEXT.set(Box::leak(Box::new(MessageCatalog::pseudo())));
    let escaped = NASTY.replace('<', "&#60;").replace('>', "&#62;").replace('"', "&#34;");
    let data = [
        &*escaped,
        "Shop",
        "Wiki",
        "See your badges",
        "alice",
        "Bad",
        "stranger.test",
        "document.test",
        "rp.test",
        "Linux",
        "payment",
        "to: ",
    ];
    for page in all_with_scripts() {
        for text in readable_texts(&page) {
            let words = data.iter().fold(text.clone(), |words, known| words.replace(known, ""));
            // The letter of a monogram.
            let words = if text.chars().count() == 1 { String::new() } else { words };
            assert!(!words.contains(char::is_alphabetic), "{text:?} in {page}");
        }
    }
}

#[test]
fn has_no_script_and_no_inline_style() {
    for page in all() {
        for forbidden in ["<script", "style=", "<style", "javascript:", " onload=\""] {
            assert!(!page.contains(forbidden), "{forbidden} in {page}");
        }
    }
}

#[test]
fn has_one_heading_and_one_main_part() {
    for page in all() {
        assert_eq!(page.matches("<h1>").count(), 1, "{page}");
        assert_eq!(page.matches("<main ").count(), 1, "{page}");
    }
}

#[test]
fn labels_every_field_and_names_it_for_password_managers() {
    // WCAG 2.2 §1.3.5, §3.3.2
    let page = sign_in_with(|_| ());
    for (id, purpose) in [("username", "username"), ("password", "current-password")] {
        assert!(page.contains(&format!("<label for=\"{id}\">")), "{page}");
        assert!(page.contains(&format!("autocomplete=\"{purpose}\"")), "{page}");
    }
}

#[test]
fn announces_errors_to_screen_readers() {
    // WCAG 2.2 §3.3.1, §4.1.3
    let page = sign_in_with(|page| page.problem = Some("Not right."));
    assert!(page.contains("role=\"alert\" id=\"problem\">Not right.</p>"), "{page}");
    assert_eq!(page.matches("aria-describedby=\"problem\"").count(), 2);
    assert!(page.contains("<title>Problem: Sign in"));
}

#[test]
fn keeps_the_typed_username_and_never_a_password() {
    let page = sign_in_with(|page| page.username = "alice");
    assert!(page.contains("value=\"alice\""), "{page}");
    let password = page.split("id=\"password\"").nth(1).expect("has a password field");
    assert!(!password.split('>').next().unwrap_or_default().contains("value="), "{page}");
}

#[test]
fn asks_for_the_name_alone_where_domains_belong_to_providers() {
    let page = sign_in_with(|page| page.fields = SignInFields::Name);
    assert!(
        page.contains("Email or username") && page.contains("value=\"identify\">Next"),
        "{page}"
    );
    assert!(!page.contains("id=\"password\"") && page.contains("required autofocus>"), "{page}");
    let page = sign_in_with(|page| page.fields = SignInFields::Absent);
    assert!(!page.contains("id=\"username\"") && page.contains("Nobody can sign in"), "{page}");
}

#[test]
fn the_button_of_an_unreachable_provider_is_grey_and_works() {
    let buttons = |unreachable| [ProviderButton { unreachable, ..provider_button() }];
    let page = |buttons: &[ProviderButton]| {
        let (tenant, client) = (tenant(), client());
        sign_in_page(&SignInPage { providers: buttons, ..sample_sign_in_page(&tenant, &client) })
    };
    let (usual, grey) = (page(&buttons(false)), page(&buttons(true)));
    assert!(!usual.contains("does not answer"), "{usual}");
    assert!(grey.contains("class=\"provider unreachable\" href=\"/login/corp?"), "{grey}");
    assert!(grey.contains("(does not answer at the moment)"), "{grey}");
}

#[test]
fn offers_the_sessions_account_to_continue_with() {
    let page = sign_in_with(|page| page.account = Some(AccountView::from(&user())));
    assert!(page.contains("value=\"continue\"") && page.contains("Use another account"), "{page}");
}

#[test]
fn describes_scopes_in_order() {
    let page = sample_consent_page();
    let at = |text| page.find(text).unwrap_or_else(|| panic!("{text} is missing in {page}"));
    let order = ["Know who you are", "See your badges", "Keep access while you are away"].map(at);
    assert!(order.is_sorted(), "{order:?}");
}

#[test]
fn a_tenants_words_and_links_are_in_the_language_of_the_page() {
    let mut tenant = tenant();
    let tag = |text: &str| LanguageTag::parse(text).expect("a tag");
    tenant.branding.sign_in_hint = LocalizedText::new(vec![
        (tag("en"), "Use your university account.".into()),
        (tag("de"), "Verwenden Sie Ihr Uni-Konto.".into()),
    ]);
    tenant.branding.links[0].purpose = Some(LinkPurpose::Privacy);
    tenant.branding.links.push(BrandingLink {
        uri: "https://shop.test/imprint".into(),
        purpose: None,
        text: LocalizedText::new(vec![
            (tag("en"), "Imprint".into()),
            (tag("de"), "Impressum".into()),
        ]),
    });
    let client = client();
    let page = |language| {
        TEXT.set(catalog(language));
        sign_in_page(&sample_sign_in_page(&tenant, &client))
    };
    let (english, german) = (page("en"), page("de"));
    assert!(english.contains("<p class=\"words\">Use your university account.</p>"), "{english}");
    assert!(german.contains("<p class=\"words\">Verwenden Sie Ihr Uni-Konto.</p>"), "{german}");
    let link =
        |name: &str| format!("<a href=\"https://shop.test/help\" rel=\"noreferrer\">{name}</a>");
    assert!(english.contains(&link("Privacy policy")), "{english}");
    assert!(german.contains(&link("Datenschutz")), "{german}");
    for (page, name) in [(&english, ">Imprint<"), (&german, ">Impressum<")] {
        assert!(page.contains(name), "{page}");
        assert!(!page.contains("javascript:"), "{page}");
    }
    assert_eq!(english.matches("<footer").count(), 1, "{english}");
}

#[test]
fn links_only_web_addresses() {
    let page = sample_consent_page();
    assert!(page.contains("href=\"https://rp.test\""), "{page}");
    assert!(!page.contains("Privacy policy"), "its address is a script");
}

#[test]
fn explains_every_error_in_words() {
    for code in [ErrorCode::InvalidClient, ErrorCode::ServerError, ErrorCode::InvalidScope] {
        let page =
            oauth_error_page((Some(&tenant()), text()), &OAuthError::new(code, "Detail."), "r1");
        let heading = page.split("<h1>").nth(1).unwrap_or_default();
        assert!(!heading.starts_with(code.as_str()), "{page}");
        assert!(page.contains(&format!("<code>{code}</code>")), "{page}");
        assert!(page.contains("<code>r1</code>") && page.contains("Detail."), "{page}");
    }
}

#[test]
fn links_assets_that_exist() {
    let page = sign_in_with(|_| ());
    for name in ["style.css", "theme.css", "icon.svg"] {
        assert!(page.contains(&format!("href=\"/team/shop/_lanyard/{name}?v=")), "{page}");
        assert!(static_asset(name, Some(&tenant())).is_some(), "{name}");
    }
    assert_eq!(static_asset("../Cargo.toml", Some(&tenant())), None);
    assert_eq!(static_asset("theme.css", None), None);
}

/// Every pair of text and ground in the stylesheet, in both schemes (WCAG 2.2 §1.4.3).
#[test]
fn contrasts_in_both_schemes() {
    use color::Color;
    let (light, rest) = assets::STYLE.split_once("@media").expect("has both schemes");
    let dark = rest.split_once("*, *::before").expect("ends").0;
    let value = |scheme: &str, name: &str| {
        let after = scheme.split(&format!("--{name}: ")).nth(1).expect("is defined");
        Color::parse(after.split(';').next().unwrap_or_default()).expect("is a colour")
    };
    for scheme in [light, dark] {
        for (text, ground, least) in [
            ("text", "card", 4.5),
            ("muted", "card", 4.5),
            ("link", "card", 4.5),
            ("link", "soft", 4.5),
            ("text", "soft", 4.5),
            ("muted", "soft", 4.5),
            ("page-text", "page", 4.5),
            ("accent-text", "accent", 4.5),
            ("alert-text", "alert", 4.5),
            ("field-edge", "card", 3.0),
            ("accent-edge", "card", 3.0),
        ] {
            let ratio = value(scheme, text).contrast(value(scheme, ground));
            assert!(ratio >= least, "{text} on {ground}: {ratio:.2}");
        }
    }
}
