//! Samples of every page, plain and with a tenant's branding.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::Ipv6Addr,
    sync::Arc,
};

use lanyard::{
    http::pages::{
        AccountPage, AccountPagePart, AccountView, ApplicationEntry, ApplicationTile,
        AuthenticatorAppPage, AuthenticatorEntry, ChoosePasswordPage, ConsentPage, ErrorPage,
        ForgottenPasswordPage, LogoutConfirmPage, PagePosition, PasskeyEntry, PasskeyPage,
        PasskeyPrompt, PasskeySetupPage, ProviderButton, RetryLink, SecondFactorPage, SessionEntry,
        SignInFields, SignInPage, account_page, authenticator_app_page, base_root,
        choose_password_page, consent_page, error_page, forgotten_password_page, logout_confirm,
        not_signed_in, oauth_error_page, passkey_page, passkey_script, passkey_setup_page,
        recovery_codes_page, second_factor_page, sign_in, signed_out,
    },
    model::{
        Account, AccountSource, ApplicationType, Branding, Client, ClientDetails, ClientId,
        DynamicRegistration, GrantType, Issuer, ObjectKey, ObjectMark, Organization, PasswordState,
        RedirectUri, RefreshTokenRotation, RegistrationPolicy, RequestObjectPolicy, ResponseType,
        RotationPolicy, SigningAlgorithm, Subject, Tenant, TenantAuthenticators, TenantId,
        Timestamp, TokenPolicy,
    },
    protocol::{
        authorize::{
            AuthorizationRequest, SignInReason, TenantLookup, validate_authorization_request,
        },
        error::{ErrorCode, OAuthError},
        params::RequestParams,
        records::{AccountMarks, PasskeyRecord, SessionBrowser},
        webauthn::PasskeyPublicKey,
    },
};
use serde_json::{Map, Value};

/// A page and its file name.
pub struct Page {
    pub name: &'static str,
    pub html: String,
}

pub const LOGO: &str = "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 64 64'>\
    <circle cx='32' cy='32' r='30' fill='#e4572e'/><path d='M18 40l14-22 14 22z' fill='#fff'/></svg>";

/// Renders every page, with logos at `origin`.
pub fn pages(origin: &str) -> Vec<Page> {
    let plain = tenant_named("plain");
    let mut branded = tenant_named("branded");
    branded.branding.logo_uri = Some(format!("{origin}/logo.svg"));
    let wiki = client(None);
    let registered = DynamicRegistration { token_hash: None, at: None, used: false };
    let stranger = Client { registered: Some(Box::new(registered)), ..client(None) };
    let shop = client(Some(format!("{origin}/logo.svg")));
    // Names without a place to break a line.
    let mut long = tenant_named("plain");
    long.display_name = "Donaudampfschifffahrtsgesellschaft".repeat(3);
    let longest = Client { name: "Rindfleischetikettierung".repeat(5), ..client(None) };
    let factors = second_factor_pages(&plain, &branded, &long, &wiki);
    let pages = vec![
        page("sign-in", sign_in(&sign_in_page(&plain, &wiki))),
        page("sign-in-branded", sign_in(&sign_in_page(&branded, &shop))),
        page("sign-in-long", sign_in(&sign_in_page(&long, &longest))),
        page("consent-long", consent_of(&long, longest.clone())),
        page(
            "sign-in-wrong",
            sign_in(&SignInPage {
                username: "alice",
                problem: Some("The username or password is incorrect. Please try again."),
                ..sign_in_page(&plain, &wiki)
            }),
        ),
        page(
            "sign-in-forgotten",
            sign_in(&SignInPage { offers_reset: true, ..sign_in_page(&branded, &wiki) }),
        ),
        page(
            "forgotten-password",
            forgotten_password_page(ForgottenPasswordPage { tenant: &plain, is_sent: false }),
        ),
        page(
            "forgotten-password-sent",
            forgotten_password_page(ForgottenPasswordPage { tenant: &branded, is_sent: true }),
        ),
        page("sign-in-name-first", name_first(&branded, &wiki)),
        page(
            "choose-account",
            sign_in(&SignInPage {
                account: Some(AccountView::from(&user())),
                ..sign_in_page(&branded, &wiki)
            }),
        ),
        page("consent", consent_of(&plain, wiki.clone())),
        page("consent-six", consent_to(&plain, wiki.clone(), SIX_SCOPES)),
        page("consent-branded", consent_of(&branded, shop)),
        page("consent-registered", consent_of(&plain, stranger)),
        page(
            "logout-confirm",
            logout_confirm(&LogoutConfirmPage {
                tenant: &plain,
                client: Some(&wiki),
                user: Some(&user()),
                hidden: &[("token", "x")],
            }),
        ),
        page("signed-out", signed_out(&plain)),
        page("error", oauth_error_page(Some(&plain), &refused(), "01J9Z6W8Q4")),
        page("account", account(&plain, &["Team Wiki", "Payroll", "Meeting rooms"])),
        page("account-branded", account(&branded, &["Team Wiki", "Payroll"])),
        page("account-long", account(&long, &[&"Rindfleischetikettierung".repeat(8), "Wiki"])),
        page("account-empty", account(&plain, &[])),
        page("not-signed-in", not_signed_in(&plain)),
        page("base-root", base_root(&plain.issuer, Some("/_lanyard/demo"))),
        page("error-nowhere", oauth_error_page(None, &refused(), "01J9Z6W8Q4")),
        page("expired", error_page(&expired(&branded))),
    ];
    pages.into_iter().chain(factors).collect()
}

fn page(name: &'static str, html: String) -> Page {
    Page { name, html }
}

fn second_factor_pages(
    plain: &Tenant,
    branded: &Tenant,
    long: &Tenant,
    client: &Client,
) -> [Page; 11] {
    [
        page("second-factor", second_factor(plain, client, None)),
        page(
            "second-factor-wrong",
            second_factor(
                branded,
                client,
                Some("The code is wrong. Type the code that the app shows now for this account."),
            ),
        ),
        page("authenticator-app", authenticator_app(plain, None)),
        page("authenticator-app-long", authenticator_app(long, Some("The code is wrong."))),
        page("recovery-codes", recovery_codes(branded)),
        page("sign-in-with-passkey", sign_in_with_passkey(branded, client)),
        page("passkey-setup", passkey_setup(plain, None)),
        page("passkey-setup-long", passkey_setup(long, Some("The device did not answer."))),
        page("passkey", change_passkey(branded)),
        page("choose-password", choose_password(plain, None)),
        page(
            "choose-password-weak",
            choose_password(long, Some("The password is easy to guess. Add another word or two.")),
        ),
    ]
}

/// The page of an invitation.
fn choose_password(tenant: &Tenant, problem: Option<&str>) -> String {
    choose_password_page(ChoosePasswordPage {
        tenant,
        user: &user(),
        title: "Welcome",
        lead: &format!(
            "You were invited to {}. Choose a password to sign in with.",
            tenant.display_name
        ),
        action: "/invitation",
        hidden: &[("form", "sealed")],
        problem,
        back: None,
    })
}

/// The account page of a person with these applications.
fn account(tenant: &Tenant, names: &[&str]) -> String {
    let now = Timestamp::from_secs(1_900_000_000);
    let permissions =
        BTreeSet::from(["openid", "profile", "email", "offline_access"].map(str::to_owned));
    let passkey = passkey_record();
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
        user: &user(),
        provider: None,
        interaction: "sealed",
        notice: (names.len() == 2).then_some("The session has ended."),
        now,
        passkeys: Vec::from_iter(
            (names.len() == 2).then_some(PasskeyEntry { id: "id-1", passkey: &passkey }),
        ),
        offers_passkeys: names.len() > 1,
        recovery_codes: (names.len() == 2).then_some(7),
        authenticator: match names.len() {
            0 => AuthenticatorEntry::Absent,
            2 => AuthenticatorEntry::SetUp { at: now },
            _ => AuthenticatorEntry::Offered,
        },
        password_since: (names.len() == 2).then_some(now),
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
                    permissions: &permissions,
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
    second_factor_page(SecondFactorPage {
        tenant,
        client,
        redirect_uri: "https://rp.test/cb",
        user: &user(),
        interaction: "sealed",
        sign_in: Some("sealed"),
        has_app: true,
        passkey: None,
        title: "Enter a code",
        problem,
    })
}

/// The page that shows recovery codes.
fn recovery_codes(tenant: &Tenant) -> String {
    let codes: Vec<_> = (0..10).map(|_| "abcd-efgh-ijkl".to_owned()).collect();
    recovery_codes_page(tenant, &user(), "The authenticator app is set up.", &codes)
}

/// The page for setting up an authenticator app.
fn authenticator_app(tenant: &Tenant, problem: Option<&str>) -> String {
    authenticator_app_page(AuthenticatorAppPage {
        tenant,
        user: &user(),
        interaction: "sealed",
        enrolment: "sealed",
        secret: b"12345678901234567890",
        problem,
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
    sign_in(&SignInPage {
        passkey: Some(&prompt),
        providers: &providers,
        ..sign_in_page(tenant, client)
    })
}

/// The page for setting up a passkey.
fn passkey_setup(tenant: &Tenant, problem: Option<&str>) -> String {
    passkey_setup_page(&PasskeySetupPage {
        tenant,
        user: &user(),
        rp_id: "id.test",
        interaction: "sealed",
        challenge: b"challenge",
        sealed: "sealed",
        user_handle: b"handle",
        existing: Vec::new(),
        name: "Firefox on Linux",
        problem,
    })
}

/// The page for changing a passkey.
fn change_passkey(tenant: &Tenant) -> String {
    let passkey = passkey_record();
    passkey_page(PasskeyPage {
        tenant,
        interaction: "sealed",
        passkey: PasskeyEntry { id: "id-1", passkey: &passkey },
        problem: None,
    })
}

/// The sign-in page that asks for the name first.
fn name_first(tenant: &Tenant, client: &Client) -> String {
    let providers = [ProviderButton {
        name: "Acme staff".into(),
        href: "/login/acme".into(),
        unreachable: false,
    }];
    let page = sign_in_page(tenant, client);
    sign_in(&SignInPage { fields: SignInFields::Name, providers: &providers, ..page })
}

/// `plain` has no branding; `branded` has the hardest colours: a pale accent on a strong background.
pub fn tenant_named(name: &str) -> Tenant {
    let branding = match name {
        "branded" => Branding {
            logo_uri: None,
            primary_color: Some("#ffd166".into()),
            background_color: Some("#143d3a".into()),
        },
        _ => Branding::default(),
    };
    Tenant {
        access: None,
        id: TenantId::new("team", name),
        issuer: Issuer::parse(&format!("https://id.test/{name}")).expect("canonical"),
        internal_hosts: Arc::default(),
        upstream_hosts: Arc::default(),
        internal_url: None,
        display_name: "Harbour Works".into(),
        mark: ObjectMark::of("tenant"),
        organization: Organization { name: "Harbour Works".into(), id: "team".into() },
        algorithms: vec![SigningAlgorithm::RS256],
        key_rotation: RotationPolicy::default(),
        lifetimes: Arc::default(),
        scopes: BTreeMap::new(),
        branding,
        acr_levels: vec![],
        authenticators: TenantAuthenticators::default(),
        request_objects: RequestObjectPolicy::default(),
        refresh_token_rotation: RefreshTokenRotation::default(),
        tokens: TokenPolicy::default(),
        require_pkce: false,
        registration: RegistrationPolicy::default(),
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

fn sign_in_page<'a>(tenant: &'a Tenant, client: &'a Client) -> SignInPage<'a> {
    SignInPage {
        tenant,
        client,
        redirect_uri: "https://rp.test/cb",
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
}

fn consent_of(tenant: &Tenant, client: Client) -> String {
    consent_to(tenant, client, SCOPES)
}

fn consent_to(tenant: &Tenant, mut client: Client, scopes: &str) -> String {
    client.scopes = scopes.split(' ').map(str::to_owned).collect::<BTreeSet<_>>().into();
    let query = format!(
        "client_id=team.wiki&redirect_uri=https://rp.test/cb&response_type=code&scope={}",
        scopes.replace(' ', "+")
    );
    let ask: AuthorizationRequest = validate_authorization_request(
        tenant,
        &Only(Arc::new(client)),
        &RequestParams::parse(query.as_bytes()),
    )
    .expect("the request is valid");
    consent_page(&ConsentPage { tenant, request: &ask, user: &user(), interaction: "sealed" })
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
        title: "This page has expired",
        message: "It was open for more than fifteen minutes.",
        advice: "Start again, and sign in within a quarter of an hour.",
        detail: "",
        code: "interaction_expired",
        request_id: "01J9Z6W8Q4",
        retry: Some(RetryLink { href: "/", label: "Start again" }),
    }
}
