//! Samples of every page in English and German, plain and with a tenant's branding.

use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
    net::Ipv6Addr,
    sync::Arc,
};

use lanyard::{
    http::pages::{
        AccountPage, AccountPagePart, AccountView, AfterSignOut, ApplicationEntry, ApplicationTile,
        AuthenticatorAppPage, AuthenticatorEntry, ChoosePasswordPage, ConsentPage,
        CrossDeviceOutcome, DevicePage, ErrorPage, ForgottenPasswordPage, LogoutConfirmPage,
        MissingFactorPage, PagePosition, PasskeyEntry, PasskeyPage, PasskeyPrompt,
        PasskeySetupPage, PromptedFactor, ProviderButton, RecoveryCodesPage, RefusedEntryPage,
        RetryLink, SecondFactorPage, SessionEntry, SignInFields, SignInPage, WaitingRequestEntry,
        account_page, authenticator_app_page, base_root, cancelled_sign_in_page,
        choose_password_page, consent_page, device_page, device_result, error_page,
        forgotten_password_page, form_post, frontchannel_logout_page, logout_confirm_page,
        missing_factor_page, oauth_error_page, passkey_page, passkey_script, passkey_setup_page,
        provider_redirect, recovery_codes_page, refused_entry_page, second_factor_page,
        sign_in_page, signed_out_page, still_signed_in_page,
    },
    messages::{LanguageTag, Languages, MessageCatalog},
    model::{
        Account, AccountSource, ApplicationType, Branding, BrandingLink, Client, ClientDetails,
        ClientId, DynamicRegistration, GrantType, Issuer, LinkPurpose, LocalizedText, ObjectKey,
        ObjectMark, Organization, PasswordState, RedirectUri, RefreshTokenRotation,
        RegistrationPolicy, RequestObjectPolicy, RequiredFactor, ResourceServers, ResponseType,
        RotationPolicy, SigningAlgorithm, Subject, Tenant, TenantAuthenticators, TenantId,
        Timestamp, TokenPolicy,
    },
    protocol::{
        authorize::{
            AuthorizationRequest, SignInReason, TenantLookup, validate_authorization_request,
        },
        error::{ErrorCode, OAuthError},
        params::RequestParams,
        records::{
            AccountMarks, BackchannelRequest, CrossDeviceRequest, PasskeyRecord, RequestingDevice,
            SessionBrowser,
        },
        webauthn::PasskeyPublicKey,
    },
};
use serde_json::{Map, Value};

/// A page and its file name.
pub struct Page {
    pub name: String,
    pub html: String,
}

pub const LOGO: &str = "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 64 64'>\
    <circle cx='32' cy='32' r='30' fill='#e4572e'/><path d='M18 40l14-22 14 22z' fill='#fff'/></svg>";

thread_local! {
    /// The texts of the pages that are rendered now.
    static TEXT: Cell<&'static MessageCatalog> = Cell::new(catalog("en"));
}

fn text() -> &'static MessageCatalog {
    TEXT.get()
}

fn catalog(language: &str) -> &'static MessageCatalog {
    let languages = Languages::built_in();
    let found = languages.by_ui_locales(language).expect("built in");
    Box::leak(Box::new(MessageCatalog::clone(found)))
}

/// Renders every page, with logos at `origin`. The names of German ones end in `-de`.
pub fn pages(origin: &str) -> Vec<Page> {
    let english = pages_in_language(origin);
    TEXT.set(catalog("de"));
    let german = pages_in_language(origin);
    TEXT.set(catalog("en"));
    let named = |page: Page| Page { name: format!("{}-de", page.name), ..page };
    english.into_iter().chain(german.into_iter().map(named)).collect()
}

#[expect(clippy::too_many_lines, reason = "one list of pages")]
fn pages_in_language(origin: &str) -> Vec<Page> {
    let plain = tenant_named("plain");
    let mut branded = tenant_named("branded");
    branded.branding.logo_uri = Some(format!("{origin}/logo.svg"));
    let wiki = client(None);
    let registered = DynamicRegistration { token_hash: None, at: None, used: false };
    let stranger = Client { registered: Some(Box::new(registered)), ..client(None) };
    let shop = client(Some(format!("{origin}/logo.svg")));
    // Names without a place to break a line.
    let mut long = tenant_named("plain");
    long.display_name = "Donaudampfschifffahrtsgesellschaft".repeat(6);
    let longest = Client { name: "Rindfleischetikettierung".repeat(9), ..client(None) };
    let factors = second_factor_pages(&plain, &branded, &long, &wiki);
    let required = required_factor_pages(&plain, &branded, &long, (&wiki, &longest));
    let pages = vec![
        page("sign-in", sign_in_page(&sample_sign_in_page(&plain, &wiki))),
        page("sign-in-branded", sign_in_page(&sample_sign_in_page(&branded, &shop))),
        page("sign-in-long", sign_in_page(&sample_sign_in_page(&long, &longest))),
        page("consent-long", consent_of(&long, longest.clone())),
        page(
            "sign-in-wrong",
            sign_in_page(&SignInPage {
                username: "alice",
                problem: Some(text().wrong_password_with_email()),
                ..sample_sign_in_page(&plain, &wiki)
            }),
        ),
        page(
            "sign-in-forgotten",
            sign_in_page(&SignInPage {
                offers_reset: true,
                ..sample_sign_in_page(&branded, &wiki)
            }),
        ),
        page(
            "forgotten-password",
            forgotten_password_page(ForgottenPasswordPage {
                tenant: &plain,
                text: text(),
                is_sent: false,
            }),
        ),
        page(
            "forgotten-password-sent",
            forgotten_password_page(ForgottenPasswordPage {
                tenant: &branded,
                text: text(),
                is_sent: true,
            }),
        ),
        page("sign-in-name-first", name_first(&branded, &wiki)),
        page("sign-in-unreachable", with_unreachable_provider(&plain, &wiki, "Acme staff")),
        page(
            "sign-in-unreachable-branded",
            with_unreachable_provider(&branded, &shop, "Acme staff"),
        ),
        page("sign-in-unreachable-long", with_unreachable_provider(&long, &longest, &longest.name)),
        page(
            "choose-account",
            sign_in_page(&SignInPage {
                account: Some(AccountView::from(&user())),
                ..sample_sign_in_page(&branded, &wiki)
            }),
        ),
        page("consent", consent_of(&plain, wiki.clone())),
        page("consent-six", consent_to(&plain, wiki.clone(), SIX_SCOPES)),
        page("consent-branded", consent_of(&branded, shop)),
        page("consent-registered", consent_of(&plain, stranger)),
        page(
            "logout-confirm",
            logout_confirm_page(&LogoutConfirmPage {
                tenant: &plain,
                text: text(),
                client: Some(&wiki),
                user: &user(),
                hidden: &[("token", "x")],
            }),
        ),
        page("signed-out", signed_out_page(&plain, text())),
        page("error", oauth_error_page((Some(&plain), text()), &refused(), "01J9Z6W8Q4")),
        page("account", account(&plain, &["Team Wiki", "Payroll", "Meeting rooms"])),
        page("account-branded", account(&branded, &["Team Wiki", "Payroll"])),
        page("account-long", account(&long, &[&"Rindfleischetikettierung".repeat(8), "Wiki"])),
        page("account-empty", account(&plain, &[])),
        page("not-signed-in", cancelled_sign_in_page(&plain, text())),
        page("base-root", base_root(&plain.issuer, Some("/_lanyard/demo"), text())),
        page("error-nowhere", oauth_error_page((None, text()), &refused(), "01J9Z6W8Q4")),
        page("expired", error_page(&expired(&branded))),
    ];
    let devices = device_pages(&plain, &branded, (&long, &longest));
    let others = other_pages(&plain, &long, &longest);
    let asked_again = asked_again_pages(&plain, &branded, (&wiki, &longest));
    let changes = account_change_pages(&plain, &branded, &long, &wiki);
    let all = pages.into_iter().chain(factors).chain(required).chain(others).chain(devices);
    all.chain(asked_again).chain(changes).collect()
}

fn page(name: &str, html: String) -> Page {
    Page { name: name.to_owned(), html }
}

/// The pages between applications, providers and this service, and those without a way on.
fn other_pages(plain: &Tenant, long: &Tenant, longest: &Client) -> [Page; 8] {
    let provider = ProviderButton {
        name: longest.name.clone(),
        href: "/page/signed-out".into(),
        unreachable: false,
    };
    let asked = ask(long, longest.clone(), SCOPES);
    let refused = |message| {
        refused_entry_page(&RefusedEntryPage {
            tenant: long,
            text: text(),
            request: &asked,
            user: &user(),
            message,
            interaction: "sealed",
        })
    };
    let still_there = AfterSignOut::StillSignedIn { name: "Acme staff", return_to: Some("/") };
    [
        page("refused", refused(None)),
        page("refused-by-rule", refused(Some("Ask IT for the group k8s-users."))),
        page("onward", without_refresh(&provider_redirect((plain, text()), &provider))),
        page("form-post", without_scripts(&form_post((plain, text()), "/", &[]))),
        page("signing-out", frontchannel_logout_page((plain, text()), &[], still_there)),
        page("not-signed-out", still_signed_in_page(plain, text())),
        page(
            "nobody",
            sign_in_page(&SignInPage {
                fields: SignInFields::Absent,
                ..sample_sign_in_page(long, longest)
            }),
        ),
        page(
            "provider-silent",
            error_page(&ErrorPage {
                title: &text().provider_silent_title(&longest.name).to_string(),
                message: &text().provider_silent_text(&longest.name).to_string(),
                advice: text().try_in_a_moment(),
                ..expired(long)
            }),
        ),
    ]
}

/// The sign-in page of a person who is signed in already, or whose provider cannot be reached.
fn asked_again_pages(
    plain: &Tenant,
    branded: &Tenant,
    (client, longest): (&Client, &Client),
) -> [Page; 4] {
    let because = |tenant, reason| {
        sign_in_page(&SignInPage { reason, ..sample_sign_in_page(tenant, client) })
    };
    let providers = [("Acme staff", true), (&*longest.name, false)].map(|(name, unreachable)| {
        ProviderButton { name: name.into(), href: "/login/acme".into(), unreachable }
    });
    [
        page("sign-in-again", because(plain, SignInReason::Again)),
        page("sign-in-other-person", because(branded, SignInReason::OtherPerson)),
        page("sign-in-higher-level", because(plain, SignInReason::HigherLevel)),
        page(
            "sign-in-unreachable",
            sign_in_page(&SignInPage {
                providers: &providers,
                ..sample_sign_in_page(branded, client)
            }),
        ),
    ]
}

/// The pages around a change on the account page, or by a link.
fn account_change_pages(
    plain: &Tenant,
    branded: &Tenant,
    long: &Tenant,
    client: &Client,
) -> [Page; 9] {
    let copied = |tenant, problem| {
        let copied_at = Some(Timestamp::from_secs(1_900_000_000));
        let passkey = PasskeyRecord { copied_at, ..passkey_record() };
        change_passkey_of(tenant, &passkey, problem)
    };
    let interrupted = ErrorPage {
        title: text().setup_interrupted_title(),
        message: text().setup_interrupted_text(),
        advice: text().setup_again_advice(),
        retry: None,
        ..expired(branded)
    };
    [
        page("change-with-passkey", change_with_passkey(plain, client, None)),
        page(
            "change-with-passkey-refused",
            change_with_passkey(long, client, Some(text().change_needs_passkey())),
        ),
        page("second-factor-both", second_factor_or_passkey(branded, client)),
        page("passkey-copied", copied(plain, None)),
        page("passkey-unnamed", copied(long, Some(text().passkey_unnamed()))),
        page("change-password", change_password(plain)),
        page("reset-password", reset_password(branded)),
        page("account-required", account_with_copied_passkey(plain)),
        page("setup-interrupted", error_page(&interrupted)),
    ]
}

/// The page that asks for a passkey or a recovery code before a change on the account page.
fn change_with_passkey(tenant: &Tenant, client: &Client, problem: Option<&str>) -> String {
    let prompt = second_factor_prompt(tenant);
    second_factor_page(SecondFactorPage {
        sign_in: None,
        has_app: false,
        passkey: Some(&prompt),
        changes_by_passkey: true,
        title: text().use_passkey_title(),
        ..second_factor_of(tenant, &person(tenant), client, problem)
    })
}

/// The page that asks for a code or a passkey.
fn second_factor_or_passkey(tenant: &Tenant, client: &Client) -> String {
    let prompt = second_factor_prompt(tenant);
    let (user, passkey) = (person(tenant), Some(&prompt));
    second_factor_page(SecondFactorPage {
        passkey,
        ..second_factor_of(tenant, &user, client, None)
    })
}

fn second_factor_prompt(tenant: &Tenant) -> PasskeyPrompt<'_> {
    PasskeyPrompt {
        rp_id: "id.test",
        challenge: "challenge".to_owned(),
        sealed: "sealed".to_owned(),
        credentials: String::new(),
        autofill: false,
        second_factor: Some(PromptedFactor { sign_in: Some("sealed") }),
        script: passkey_script(tenant),
    }
}

/// The page for a new password, on the account page.
fn change_password(tenant: &Tenant) -> String {
    choose_password_page(ChoosePasswordPage {
        tenant,
        text: text(),
        user: &person(tenant),
        title: text().change_password_title(),
        lead: text().change_password_lead(),
        action: "/account",
        hidden: &[("interaction", "sealed")],
        problem: Some(text().passwords_differ()),
        back: Some("/account"),
    })
}

/// The page of a password reset link.
fn reset_password(tenant: &Tenant) -> String {
    choose_password_page(ChoosePasswordPage {
        tenant,
        text: text(),
        user: &person(tenant),
        title: text().reset_title(),
        lead: text().reset_lead(),
        action: "/password-reset",
        hidden: &[("form", "sealed")],
        problem: None,
        back: None,
    })
}

/// The pages for devices.
fn device_pages(
    plain: &Tenant,
    branded: &Tenant,
    (long, longest): (&Tenant, &Client),
) -> [Page; 10] {
    let asks =
        |tenant, code, problem| device_page(&DevicePage { tenant, text: text(), code, problem });
    let device = RequestingDevice {
        grant_id: "grant-1".to_owned(),
        user_code: "WDJBMJHT".to_owned(),
        address: "2001:db8::1428:57ab".to_owned(),
        requested_at: Timestamp::from_secs(1_800_000_000),
    };
    let backchannel = |message: Option<&str>| BackchannelRequest {
        grant_id: "grant-1".to_owned(),
        subject: "ada".to_owned(),
        binding_message: message.map(str::to_owned),
        address: "2001:db8::1428:57ab".to_owned(),
        requested_at: Timestamp::from_secs(1_800_000_000),
    };
    let consent = |tenant: &Tenant, client: Client, asked: CrossDeviceRequest<'_>| {
        consent_page(&ConsentPage {
            tenant,
            text: text(),
            request: &ask(tenant, client, SCOPES),
            user: &user(),
            cross_device: Some(asked),
            interaction: "sealed",
        })
    };
    let result =
        |tenant, client: &Client, outcome| device_result((tenant, text()), client, outcome);
    let tv = client(None);
    let (of_device, asks_for) =
        (CrossDeviceRequest::Device(&device), CrossDeviceRequest::Backchannel);
    let longest_message = "Pay 12,345.67 EUR to Harbour Works, invoice 2026-11-0042-LONG-XY";
    let (plain_request, message, long_message) =
        (backchannel(None), backchannel(Some("W4SCT")), backchannel(Some(longest_message)));
    [
        page("device", asks(plain, "", None)),
        page("device-wrong", asks(branded, "WDJB-MJHT", Some(text().device_code_wrong()))),
        page("device-consent", consent(plain, tv.clone(), of_device)),
        page("device-consent-long", consent(long, longest.clone(), of_device)),
        page("request-consent", consent(plain, tv.clone(), asks_for(&plain_request))),
        page("request-consent-message", consent(branded, tv.clone(), asks_for(&message))),
        page("request-consent-long", consent(long, longest.clone(), asks_for(&long_message))),
        page("device-allowed", result(branded, &tv, CrossDeviceOutcome::Allowed)),
        page("device-refused", result(plain, &tv, CrossDeviceOutcome::Refused)),
        page("device-unmet", result(long, longest, CrossDeviceOutcome::Unmet)),
    ]
}

/// The page without the element by which a browser goes on at once.
fn without_refresh(html: &str) -> String {
    let (before, rest) = html.split_once("<meta http-equiv=\"refresh\"").expect("goes on");
    format!("{before}{}", rest.split_once('>').expect("ends").1)
}

/// The page without the script by which it goes on at once.
fn without_scripts(html: &str) -> String {
    let (before, rest) = html.split_once("<script").expect("goes on");
    format!("{before}{}", rest.split_once("</script>").expect("ends").1)
}

fn second_factor_pages(
    plain: &Tenant,
    branded: &Tenant,
    long: &Tenant,
    client: &Client,
) -> [Page; 13] {
    [
        page("second-factor", second_factor(plain, client, None)),
        page("second-factor-long", second_factor(long, client, Some(text().code_replayed()))),
        page("recovery-codes-long", recovery_codes(long)),
        page("second-factor-wrong", second_factor(branded, client, Some(text().code_wrong()))),
        page("authenticator-app", authenticator_app(plain, None)),
        page("authenticator-app-long", authenticator_app(long, Some(text().code_of_other_time()))),
        page("recovery-codes", recovery_codes(branded)),
        page("sign-in-with-passkey", sign_in_with_passkey(branded, client)),
        page("passkey-setup", passkey_setup(plain, None)),
        page("passkey-setup-long", passkey_setup(long, Some(text().passkey_setup_refused()))),
        page("passkey", change_passkey(branded)),
        page("choose-password", choose_password(plain, None)),
        page(
            "choose-password-weak",
            choose_password(
                long,
                Some(
                    &text()
                        .password_guessable(text().guess_word(), text().advice_add_words())
                        .to_string(),
                ),
            ),
        ),
    ]
}

/// The pages of tenants that require a factor of everyone.
fn required_factor_pages(
    plain: &Tenant,
    branded: &Tenant,
    long: &Tenant,
    (client, longest): (&Client, &Client),
) -> [Page; 8] {
    let missing = |tenant: &Tenant, client, factor, provider, can_set_up| {
        missing_factor_page(&MissingFactorPage {
            tenant,
            text: text(),
            client,
            redirect_uri: Some("https://rp.test/cb"),
            user: &person(tenant),
            factor,
            provider,
            can_set_up,
            offers_return: true,
            other_account: Some("/oauth/authorize".to_owned()),
            interaction: "sealed",
        })
    };
    let (app, passkey) = (RequiredFactor::SecondFactor, RequiredFactor::Passkey);
    [
        page("app-missing", missing(plain, client, app, None, false)),
        page("app-missing-long", missing(long, longest, app, Some("Beispielunternehmen"), false)),
        page("passkey-missing", missing(branded, client, passkey, Some("Acme staff"), false)),
        page("passkey-missing-set-up", missing(plain, client, passkey, None, true)),
        page("invited-app", invited_app(plain, None)),
        page("invited-app-long", invited_app(long, Some(text().code_wrong()))),
        page("invited-passkey", invited_passkey(branded)),
        page("second-factor-passkey-only", passkey_only(plain, client)),
    ]
}

/// The page of an invitation for an authenticator app.
fn invited_app(tenant: &Tenant, problem: Option<&str>) -> String {
    authenticator_app_page(AuthenticatorAppPage {
        tenant,
        text: text(),
        user: &person(tenant),
        lead: &text().invited_app_lead(&tenant.display_name).to_string(),
        action: "/invitation",
        hidden: &[("setup", "sealed")],
        secret: b"12345678901234567890",
        problem,
        back: None,
    })
}

/// The page of an invitation for a passkey.
fn invited_passkey(tenant: &Tenant) -> String {
    passkey_setup_page(&PasskeySetupPage {
        tenant,
        text: text(),
        user: &person(tenant),
        lead: &text().invited_passkey_lead(&tenant.display_name).to_string(),
        without_script: text().passkey_needs_javascript_here(),
        rp_id: "id.test",
        action: "/invitation",
        hidden: &[("setup", "sealed")],
        challenge: b"challenge",
        user_handle: b"handle",
        existing: Vec::new(),
        name: "Firefox on Linux",
        problem: None,
        back: None,
    })
}

/// The page that asks for a passkey where a recovery code does not suffice.
fn passkey_only(tenant: &Tenant, client: &Client) -> String {
    let prompt = second_factor_prompt(tenant);
    second_factor_page(SecondFactorPage {
        has_app: false,
        passkey: Some(&prompt),
        recovers_here: false,
        title: text().use_passkey_title(),
        ..second_factor_of(tenant, &person(tenant), client, None)
    })
}

/// The page of an invitation.
fn choose_password(tenant: &Tenant, problem: Option<&str>) -> String {
    choose_password_page(ChoosePasswordPage {
        tenant,
        text: text(),
        user: &person(tenant),
        title: text().welcome_title(),
        lead: &text().invited_lead(&tenant.display_name).to_string(),
        action: "/invitation",
        hidden: &[("form", "sealed")],
        problem,
        back: None,
    })
}

/// The account page of a person with these applications.
fn account(tenant: &Tenant, names: &[&str]) -> String {
    account_with(tenant, names, (&passkey_record(), false))
}

/// The account page where everyone needs an app, of a person with a passkey of which a copy may exist.
fn account_with_copied_passkey(tenant: &Tenant) -> String {
    let copied_at = Some(Timestamp::from_secs(1_900_000_000));
    let copied = PasskeyRecord { copied_at, ..passkey_record() };
    account_with(tenant, &["Team Wiki", "Payroll"], (&copied, true))
}

#[expect(clippy::too_many_lines, reason = "one page with everything that it can have")]
fn account_with(
    tenant: &Tenant,
    names: &[&str],
    (passkey, is_required): (&PasskeyRecord, bool),
) -> String {
    let now = Timestamp::from_secs(1_900_000_000);
    let permissions =
        BTreeSet::from(["openid", "profile", "email", "offline_access"].map(str::to_owned));
    let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";
    let browser = SessionBrowser::new(Some(firefox), Ipv6Addr::LOCALHOST.to_string());
    let position =
        |total: usize| PagePosition { number: 1, count: total.div_ceil(2).max(1), total };
    let session = |sid, is_current: bool| SessionEntry {
        sid,
        browser: is_current.then_some(&browser),
        is_current,
        signed_in_at: now,
        used_at: now,
        provider: is_current.then_some("Acme staff"),
    };
    account_page(&AccountPage {
        tenant,
        text: text(),
        resource_servers: ResourceServers::none(),
        user: &person(tenant),
        provider: None,
        requested: None,
        interaction: "sealed",
        notice: (names.len() == 2).then(|| text().session_ended()),
        now,
        passkeys: Vec::from_iter(
            (names.len() == 2).then_some(PasskeyEntry { id: "id-1", passkey }),
        ),
        offers_passkeys: names.len() > 1,
        recovery_codes: (names.len() == 2).then_some(7),
        authenticator: match names.len() {
            0 => AuthenticatorEntry::Absent,
            2 => AuthenticatorEntry::SetUp { at: now, is_required },
            _ => AuthenticatorEntry::Offered,
        },
        password_since: (names.len() == 2).then_some(now),
        waiting: names
            .iter()
            .filter(|_| names.len() == 2)
            .map(|name| WaitingRequestEntry {
                id: "request-1",
                application: name,
                binding_message: Some("W4SCT"),
                permissions: &permissions,
                requested_at: now,
                address: "2001:db8::1428:57ab",
            })
            .collect(),
        tiles: AccountPagePart {
            entries: names
                .iter()
                .map(|name| ApplicationTile { name, href: "https://rp.test".into(), logo: None })
                .collect(),
            position: position(names.len()),
        },
        applications: AccountPagePart {
            entries: names
                .iter()
                .map(|name| ApplicationEntry {
                    client_id: name,
                    name,
                    logo: None,
                    unverified: None,
                    document_host: None,
                    permissions: &permissions,
                    details: &[],
                    granted_at: now,
                })
                .collect(),
            position: position(names.len()),
        },
        sessions: AccountPagePart {
            entries: vec![session("sid-1", true), session("sid-2", false)],
            position: position(2),
        },
    })
}

/// The page that asks for the code of an authenticator app.
fn second_factor(tenant: &Tenant, client: &Client, problem: Option<&str>) -> String {
    second_factor_page(second_factor_of(tenant, &person(tenant), client, problem))
}

fn second_factor_of<'a>(
    tenant: &'a Tenant,
    user: &'a Account,
    client: &'a Client,
    problem: Option<&'a str>,
) -> SecondFactorPage<'a> {
    SecondFactorPage {
        tenant,
        text: text(),
        client,
        redirect_uri: Some("https://rp.test/cb"),
        user,
        interaction: "sealed",
        sign_in: Some("sealed"),
        has_app: true,
        passkey: None,
        recovers_here: true,
        changes_by_passkey: false,
        title: text().enter_code_title(),
        problem,
    }
}

/// The page that shows recovery codes.
fn recovery_codes(tenant: &Tenant) -> String {
    let codes: Vec<_> = (0..10).map(|_| "abcd-efgh-ijkl".to_owned()).collect();
    recovery_codes_page(RecoveryCodesPage {
        tenant,
        text: text(),
        user: &person(tenant),
        notice: text().app_is_set_up(),
        codes: &codes,
        account_page: "/account",
    })
}

/// The page for setting up an authenticator app.
fn authenticator_app(tenant: &Tenant, problem: Option<&str>) -> String {
    authenticator_app_page(AuthenticatorAppPage {
        tenant,
        text: text(),
        user: &person(tenant),
        lead: text().app_setup_lead(),
        action: "/account",
        hidden: &[("interaction", "sealed"), ("enrolment", "sealed")],
        secret: b"12345678901234567890",
        problem,
        back: Some("/account"),
    })
}

fn passkey_record() -> PasskeyRecord {
    let (at, mark) = (Timestamp::from_secs(1_900_000_000), ObjectMark::of("alice"));
    PasskeyRecord {
        subject: Subject::new("alice-id"),
        provider: None,
        credential_id: vec![1; 32],
        public_key: PasskeyPublicKey::Ed25519(vec![2; 32]),
        user_handle: vec![3; 64],
        sign_count: 0,
        backup_eligible: true,
        backed_up: true,
        name: "Rindfleischetikettierungsueberwachungsaufgabenuebertragungsgesetz".to_owned(),
        enrolled_at: at,
        used_at: Some(at),
        marks: AccountMarks { person: mark, tenant: mark, credential: None, generation: 1 },
        copied_at: None,
        invitation: None,
    }
}

/// The sign-in page with the button for passkeys.
fn sign_in_with_passkey(tenant: &Tenant, client: &Client) -> String {
    let prompt = PasskeyPrompt {
        rp_id: "id.test",
        challenge: "AAAA".to_owned(),
        sealed: "sealed".to_owned(),
        credentials: String::new(),
        autofill: false,
        second_factor: None,
        script: passkey_script(tenant),
    };
    let providers = [ProviderButton {
        name: "Acme staff".into(),
        href: "/login/acme".into(),
        unreachable: false,
    }];
    sign_in_page(&SignInPage {
        passkey: Some(&prompt),
        providers: &providers,
        ..sample_sign_in_page(tenant, client)
    })
}

/// The page for setting up a passkey.
fn passkey_setup(tenant: &Tenant, problem: Option<&str>) -> String {
    passkey_setup_page(&PasskeySetupPage {
        tenant,
        text: text(),
        user: &person(tenant),
        lead: text().passkey_setup_lead(),
        without_script: text().passkey_setup_javascript(),
        rp_id: "id.test",
        action: "/account",
        hidden: &[("interaction", "sealed"), ("challenge", "sealed")],
        challenge: b"challenge",
        user_handle: b"handle",
        existing: Vec::new(),
        name: "Firefox on Linux",
        problem,
        back: Some("/account"),
    })
}

/// The page for changing a passkey.
fn change_passkey(tenant: &Tenant) -> String {
    change_passkey_of(tenant, &passkey_record(), None)
}

fn change_passkey_of(tenant: &Tenant, passkey: &PasskeyRecord, problem: Option<&str>) -> String {
    passkey_page(PasskeyPage {
        tenant,
        text: text(),
        action: "/account",
        interaction: "sealed",
        passkey: PasskeyEntry { id: "id-1", passkey },
        problem,
    })
}

/// The sign-in page that asks for the name first.
fn name_first(tenant: &Tenant, client: &Client) -> String {
    let providers = [ProviderButton {
        name: "Acme staff".into(),
        href: "/login/acme".into(),
        unreachable: false,
    }];
    let page = sample_sign_in_page(tenant, client);
    sign_in_page(&SignInPage { fields: SignInFields::Name, providers: &providers, ..page })
}

/// The sign-in page of a tenant whose first provider cannot be reached.
fn with_unreachable_provider(tenant: &Tenant, client: &Client, name: &str) -> String {
    let button = |name: &str, unreachable| ProviderButton {
        name: name.to_owned(),
        href: "/login/acme".into(),
        unreachable,
    };
    let providers = [button(name, true), button("Partners", false)];
    sign_in_page(&SignInPage { providers: &providers, ..sample_sign_in_page(tenant, client) })
}

fn link(purpose: Option<LinkPurpose>, text: LocalizedText) -> BrandingLink {
    BrandingLink { uri: "https://harbour.test/about".into(), purpose, text }
}

/// A text of the tenant in both languages.
fn words(english: &str, german: &str) -> LocalizedText {
    let tag = |text: &str| LanguageTag::parse(text).expect("a tag");
    LocalizedText::new(vec![(tag("en"), english.to_owned()), (tag("de"), german.to_owned())])
}

/// `plain` has no branding; `branded` has the hardest colours: a pale accent on a strong background.
pub fn tenant_named(name: &str) -> Tenant {
    let branding = match name {
        "branded" => Branding {
            logo_uri: None,
            primary_color: Some("#ffd166".into()),
            background_color: Some("#143d3a".into()),
            font_families: vec!["Georgia".into(), "serif".into()],
            links: vec![
                link(Some(LinkPurpose::Privacy), LocalizedText::default()),
                link(Some(LinkPurpose::Help), LocalizedText::default()),
                link(None, words("Imprint", "Impressum")),
            ],
            sign_in_hint: words(
                "Use the account that you got in your first week.",
                "Verwenden Sie das Konto, das Sie in Ihrer ersten Woche bekommen haben.",
            ),
            support: words(
                "Questions? Ask the service desk: 040 1234, help@harbour.test.",
                "Fragen? Wenden Sie sich an den Service: 040 1234, hilfe@harbour.test.",
            ),
            ..Branding::default()
        },
        _ => Branding::default(),
    };
    Tenant {
        access: None,
        fapi2: None,
        id: TenantId::new("team", name),
        issuer: Issuer::parse(&format!("https://id.test/{name}")).expect("canonical"),
        internal_hosts: Arc::default(),
        upstream_hosts: Arc::default(),
        internal_url: None,
        mutual_tls_url: None,
        display_name: "Harbour Works".into(),
        mark: ObjectMark::of("tenant"),
        organization: Organization { name: "Harbour Works".into(), id: "team".into() },
        algorithms: vec![SigningAlgorithm::RS256],
        key_rotation: RotationPolicy::default(),
        lifetimes: Arc::default(),
        scopes: BTreeMap::new(),
        branding,
        languages: Languages::built_in(),
        acr_levels: vec![],
        authenticators: TenantAuthenticators::default(),
        request_objects: RequestObjectPolicy::default(),
        refresh_token_rotation: RefreshTokenRotation::default(),
        tokens: TokenPolicy::default(),
        require_pkce: false,
        require_pushed_requests: false,
        registration: RegistrationPolicy::default(),
        client_documents: Arc::default(),
        mail: None,
    }
}

/// Six scopes, with the longest descriptions among them.
const SIX_SCOPES: &str = "openid profile email groups tenant offline_access";
const SCOPES: &str = "openid profile email groups offline_access";

fn client(logo_uri: Option<String>) -> Client {
    let redirect = RedirectUri::parse("https://rp.test/cb", ApplicationType::Web);
    Client {
        name: "Team Wiki".into(),
        redirect_uris: vec![redirect.expect("valid")],
        grant_types: Arc::new(BTreeSet::from([
            GrantType::AuthorizationCode,
            GrantType::RefreshToken,
        ])),
        response_types: Arc::new(BTreeSet::from([ResponseType::Code])),
        scopes: SCOPES
            .split(' ')
            .map(str::to_owned)
            .collect::<std::collections::BTreeSet<_>>()
            .into(),
        details: Arc::new(ClientDetails {
            client_uri: Some("https://rp.test".into()),
            logo_uri,
            policy_uri: Some("https://rp.test/privacy".into()),
            tos_uri: Some("https://rp.test/terms".into()),
            ..ClientDetails::default()
        }),
        ..Client::new(
            ClientId::new("team.wiki"),
            ObjectKey::new("team", "wiki"),
            TenantId::new("team", "plain"),
        )
    }
}

/// The person of a page: with a long name at a tenant that has one.
fn person(tenant: &Tenant) -> Account {
    if tenant.display_name.len() < 100 {
        return user();
    }
    let name = "Wolfeschlegelsteinhausenbergerdorff".repeat(6);
    let claims = Map::from_iter([("name".to_owned(), Value::from(name))]);
    Account { username: "wolfeschlegelsteinhausenbergerdorff".repeat(2), claims, ..user() }
}

fn user() -> Account {
    Account {
        source: AccountSource::Resource(ObjectKey::new("team", "alice")),
        username: "alice".into(),
        subject: Subject::new("alice-id"),
        claims: Map::from_iter([("name".to_owned(), Value::from("Alice Rivera"))]),
        groups: vec![],
        disabled: false,
        mark: ObjectMark::of("alice"),
        generation: 1,
        password: PasswordState::Readable,
        sign_out_before: None,
        reset_authenticators_before: None,
        invitation: None,
        identities: Box::default(),
    }
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

fn consent_of(tenant: &Tenant, client: Client) -> String {
    consent_to(tenant, client, SCOPES)
}

fn consent_to(tenant: &Tenant, client: Client, scopes: &str) -> String {
    consent_page(&ConsentPage {
        tenant,
        text: text(),
        request: &ask(tenant, client, scopes),
        user: &user(),
        cross_device: None,
        interaction: "sealed",
    })
}

fn ask(tenant: &Tenant, mut client: Client, scopes: &str) -> AuthorizationRequest {
    client.scopes = scopes.split(' ').map(str::to_owned).collect::<BTreeSet<_>>().into();
    let query = format!(
        "client_id=team.wiki&redirect_uri=https://rp.test/cb&response_type=code&scope={}",
        scopes.replace(' ', "+")
    );
    validate_authorization_request(
        tenant,
        &Only(Arc::new(client)),
        &RequestParams::parse(query.as_bytes()),
    )
    .expect("the request is valid")
}

fn refused() -> OAuthError {
    OAuthError::new(
        ErrorCode::InvalidRequest,
        "The redirect_uri is not registered for this application. It differs in the slash at the end \
         from the nearest registered one, 'https://wiki.example.com/callback'. It must be identical \
         to an entry of redirectUris.",
    )
}

fn expired(tenant: &Tenant) -> ErrorPage<'_> {
    ErrorPage {
        tenant: Some(tenant),
        text: text(),
        title: text().page_expired_title(),
        message: text().page_was_open_too_long(),
        advice: text().start_again_advice(),
        detail: "",
        code: "interaction_expired",
        request_id: "01J9Z6W8Q4",
        retry: Some(RetryLink { href: "/", label: text().start_again() }),
    }
}
