//! Tenants that require an authenticator app or a passkey of everyone.

use std::time::Duration;

use lanyard::{
    model::{Clock as _, InvitationLedger as _, TenantId},
    store::{IndexEntry, IndexKind, RecordKind, SharedStore, VersionedRecord},
};
use serde_json::json;

use super::{
    account_page::{is_account_page, press},
    app::TestApp,
    authenticator::{App, asks_for_code, enter, recover, recovery_codes},
    browser::{Application, Browser, Page, claims},
    passkeys::passkey_link,
    world::{CALLBACK, is_sign_in, sign_in},
};
use crate::support::{
    authenticator::set_up_app,
    invitation::{invitation_link, invited_user, ledger},
    passkeys::{confirm_passkey, new_passkey, script_bytes, set_up_passkey, use_passkey},
    soft_authenticator::SoftPasskey,
};

pub const MANIFESTS: &str = r#"# cluster
apiVersion: lanyard.dev/v1alpha1
kind: Tenant
metadata: {name: shop, uid: tenant-1}
spec:
  displayName: Harbour Works
  authenticators: {passwords: Optional, totp: Required, passkeys: Optional}
---
apiVersion: lanyard.dev/v1alpha1
kind: OidcClient
metadata: {name: wiki, uid: client-1}
spec:
  tenantRef: {name: shop}
  clientName: Wiki
  consent: Implied
  redirectUris: ["https://rp.test/cb"]
  grantTypes: [authorization_code, refresh_token]
  scopes: [openid, offline_access]
  secretRef: {name: wiki-secret}
---
apiVersion: v1
kind: Secret
metadata: {name: wiki-secret}
stringData: {client-secret: "a secret of at least thirty-two characters"}
---
apiVersion: lanyard.dev/v1alpha1
kind: OidcUser
metadata: {name: ada, uid: user-1, generation: 1}
spec:
  tenantRef: {name: shop}
  username: ada
  name: Ada Lovelace
  invitation: {id: welcome-1, notAfter: "2999-01-01T00:00:00Z"}
---
apiVersion: lanyard.dev/v1alpha1
kind: OidcUser
metadata: {name: bob, uid: user-2, generation: 1}
spec:
  tenantRef: {name: shop}
  username: bob
  passwordSecretRef: {name: bob-password}
---
apiVersion: v1
kind: Secret
metadata: {name: bob-password}
stringData: {password: battery staple}
"#;

pub const CHOSEN: &str = "lantern gravel trombone";
pub const BOB: (&str, &str) = ("bob", "battery staple");
const OFFERED: &str = "{passwords: Optional, totp: Required, passkeys: Optional}";
/// Everyone needs a passkey.
pub const PASSKEYS: (&str, &str) = (OFFERED, "{passwords: Optional, passkeys: Required}");
/// No factor is required.
pub const OPTIONAL: (&str, &str) =
    (OFFERED, "{passwords: Optional, totp: Optional, passkeys: Optional}");
/// A replacement that gives Bob an invitation.
pub const INVITES_BOB: (&str, &str) = (
    "  username: bob\n",
    "  username: bob\n  invitation: {id: b-1, notAfter: \"2999-01-01T00:00:00Z\"}\n",
);

/// The server under test, with a tenant that requires an authenticator app.
pub struct Harbour {
    pub app: TestApp,
}

impl Harbour {
    /// A server whose tenant requires an authenticator app.
    pub async fn new() -> Self {
        Self { app: TestApp::start_at_localhost(MANIFESTS).await }
    }

    /// The server with manifests in which each first text is replaced by the second.
    pub async fn with(changes: &[(&str, &str)]) -> Self {
        let harbour = Self::new().await;
        harbour.change(changes);
        harbour
    }

    /// The server with a store that wraps the store in memory.
    pub async fn over(wrap: impl FnOnce(SharedStore) -> SharedStore) -> Self {
        Self { app: TestApp::start_at_localhost_over(MANIFESTS, wrap).await }
    }

    /// Serves the manifests with replacements.
    pub fn change(&self, changes: &[(&str, &str)]) {
        let mut manifests = MANIFESTS.to_owned();
        for (from, to) in changes {
            assert!(manifests.contains(from), "{from}");
            manifests = manifests.replace(from, to);
        }
        self.app.serve(&manifests);
    }

    pub fn account_url(&self) -> String {
        format!("{}/account", self.app.issuer("shop"))
    }

    pub async fn wiki(&self) -> Application {
        let secret = Some("a secret of at least thirty-two characters");
        Application::discover(&self.app.issuer("shop"), "default.wiki", secret, CALLBACK).await
    }

    /// The page after the password, on the way to an application, in a new browser.
    pub async fn enter(&self, who: (&str, &str)) -> (Browser, Page) {
        let browser = Browser::new();
        let url = self.wiki().await.authorize_url("openid offline_access", &[]);
        let page = sign_in(&browser, &browser.open(&url).await, who).await;
        (browser, page)
    }

    pub async fn stored(&self, kind: RecordKind, user: &str) -> Vec<VersionedRecord> {
        let tenant = TenantId::new("default", "shop");
        let owner = IndexEntry::new(IndexKind::User, self.app.subject("shop", user));
        self.app.store.list(kind, &tenant, &owner, self.app.clock.now()).await.expect("the store")
    }

    /// Returns true if nothing that a person sets up is stored.
    pub async fn has_nothing(&self, user: &str) -> bool {
        let kinds = [
            RecordKind::Totp,
            RecordKind::Passkey,
            RecordKind::RecoveryCodes,
            RecordKind::Password,
            RecordKind::Invitation,
            RecordKind::Session,
        ];
        for kind in kinds {
            if !self.stored(kind, user).await.is_empty() {
                return false;
            }
        }
        true
    }

    /// Whether a link of the user's invitation would lead to anything, as the controller asks.
    async fn needs_setup(&self, user: &str) -> bool {
        let invited = invited_user(&self.app, user);
        ledger(&self.app).needs_setup(&invited).await.expect("the store")
    }

    pub async fn is_redeemed(&self, user: &str) -> bool {
        let invited = invited_user(&self.app, user);
        ledger(&self.app).is_redeemed(&invited).await.expect("the store")
    }

    /// Ada's app, which she sets up with a password by her invitation.
    pub async fn accept_with_app(&self) -> (Browser, App) {
        let browser = Browser::new();
        let page = browser.open(&invitation_link(&self.app, "ada")).await;
        let page = choose(&browser, &page).await;
        let mut app = App::with_key(&page);
        let page = confirm_app(&browser, &page, &app.code(&self.app.clock)).await;
        app.codes = recovery_codes(&page);
        (browser, app)
    }

    /// A passkey, set up by a user's invitation; `chooses`: with a password.
    pub async fn accept_with_passkey(&self, user: &str, chooses: bool) -> (Browser, SoftPasskey) {
        let browser = Browser::new();
        let mut page = browser.open(&invitation_link(&self.app, user)).await;
        if chooses {
            page = choose(&browser, &page).await;
        }
        let passkey = new_passkey(&page);
        let created = passkey.create(&script_bytes(&page, "challenge"));
        let page = confirm_passkey(&browser, &page, &created).await;
        if chooses {
            assert_eq!(recovery_codes(&page).len(), 10);
        } else {
            assert!(is_account_page(&page), "no codes: {} {}", page.status, page.body);
        }
        (browser, passkey)
    }
}

/// Sends the form of the page of an invitation for the password.
pub async fn choose(browser: &Browser, page: &Page) -> Page {
    let fields = [("new_password", CHOSEN), ("new_password_again", CHOSEN)];
    browser.submit(&page.form("/invitation"), &fields).await
}

/// Sends a code on the page of an invitation for the app.
pub async fn confirm_app(browser: &Browser, page: &Page, code: &str) -> Page {
    browser.submit(&page.form("/invitation"), &[("code", code)]).await
}

/// Whether a page says that a factor is missing, and what to ask for.
pub fn asks_for_invitation(page: &Page, title: &str) -> bool {
    page.status == 403
        && page.body.contains(title)
        && page.body.contains("Ask your administrator for a new invitation.")
}

const NO_APP: &str = "You need an authenticator app";
const NO_PASSKEY: &str = "You need a passkey";

/// The `amr` of the ID token of an answer, and its refresh token.
async fn tokens(harbour: &Harbour, page: &Page) -> (serde_json::Value, String) {
    let (status, tokens) = harbour.wiki().await.redeem(&page.answer()["code"]).await;
    assert_eq!(status, 200, "{tokens}");
    let id_token = claims(tokens["id_token"].as_str().expect("a token"));
    let refresh_token = tokens["refresh_token"].as_str().unwrap_or_default().to_owned();
    (id_token["amr"].clone(), refresh_token)
}

async fn refresh(harbour: &Harbour, refresh_token: &str) -> (u16, serde_json::Value) {
    let parameters = [("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
    harbour.wiki().await.token(&parameters).await
}

#[tokio::test]
async fn an_invitation_leads_through_password_and_app_and_shows_recovery_codes_once() {
    let harbour = Harbour::new().await;
    let browser = Browser::new();
    let page = browser.open(&invitation_link(&harbour.app, "ada")).await;
    assert!(page.body.contains("autocomplete=\"new-password\""), "{}", page.body);
    let page = choose(&browser, &page).await;
    assert!(page.body.contains("Everyone signs in to Harbour Works"), "{}", page.body);
    assert!(harbour.has_nothing("ada").await, "nothing is stored between the pages");
    let app = App::with_key(&page);
    let wrong = confirm_app(&browser, &page, &app.wrong_code(&harbour.app.clock)).await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.body.contains("The code is wrong."), "{}", wrong.body);
    assert!(harbour.has_nothing("ada").await);
    let page = confirm_app(&browser, &wrong, &app.code(&harbour.app.clock)).await;
    assert_eq!(recovery_codes(&page).len(), 10);
    assert!(harbour.is_redeemed("ada").await);
    let page = browser.open(&harbour.account_url()).await;
    assert!(is_account_page(&page), "she is signed in: {} {}", page.status, page.body);
    assert!(page.body.contains("Set up on"), "{}", page.body);
    let line = harbour.app.audit.last("sign_in");
    assert_eq!(
        (&line["outcome"], &line["amr"]),
        (&json!("success"), &json!(["pwd", "otp", "mfa"]))
    );
    let enrolled = harbour.app.audit.of("authenticator_enrolled");
    let enrolled: Vec<_> = enrolled.iter().map(|line| &line["authenticator"]).collect();
    assert_eq!(enrolled, [&json!("totp"), &json!("recovery_codes")]);
    assert_eq!(harbour.app.audit.last("invitation_redeemed")["invitation"], "welcome-1");

    let (other, page) = harbour.enter(("ada", CHOSEN)).await;
    assert!(asks_for_code(&page), "{} {}", page.status, page.body);
    let page = enter(&other, &page, &app.next_code(&harbour.app.clock)).await;
    assert_eq!(tokens(&harbour, &page).await.0, json!(["pwd", "otp", "mfa"]));
}

#[tokio::test]
async fn a_recovery_code_of_the_invitation_stands_in_for_the_app() {
    let harbour = Harbour::new().await;
    let (_, app) = harbour.accept_with_app().await;
    let (browser, page) = harbour.enter(("ada", CHOSEN)).await;
    let page = recover(&browser, &page, &app.codes[0]).await;
    assert!(page.answer().contains_key("code"), "{}", page.body);
}

#[tokio::test]
async fn an_invitation_leads_through_password_and_passkey() {
    let harbour = Harbour::with(&[PASSKEYS]).await;
    let (browser, mut passkey) = harbour.accept_with_passkey("ada", true).await;
    let page = browser.open(&harbour.wiki().await.authorize_url("openid", &[])).await;
    assert_eq!(tokens(&harbour, &page).await.0, json!(["pwd", "pop", "user", "mfa"]));
    assert!(is_account_page(&browser.open(&harbour.account_url()).await));

    let (other, page) = harbour.enter(("ada", CHOSEN)).await;
    assert!(page.body.contains("Use a passkey") && !asks_for_code(&page), "{}", page.body);
    let page = use_passkey(&other, &page, &mut passkey).await;
    assert!(page.answer().contains_key("code"), "{} {}", page.status, page.body);
}

#[tokio::test]
async fn without_passwords_an_invitation_sets_up_a_passkey_alone() {
    let only = (OFFERED, "{passkeys: Required}");
    let harbour = Harbour::with(&[only]).await;
    let (browser, mut passkey) = harbour.accept_with_passkey("ada", false).await;
    let account = browser.open(&harbour.account_url()).await;
    assert!(is_account_page(&account), "{} {}", account.status, account.body);
    // A code is asked for after a password, so she could not use any.
    assert!(!account.body.contains("new-recovery-codes"), "{}", account.body);
    assert!(harbour.stored(RecordKind::RecoveryCodes, "ada").await.is_empty());
    let forged = [("action", "new-recovery-codes")];
    browser.submit(&account.form("/account"), &forged).await;
    assert!(harbour.stored(RecordKind::RecoveryCodes, "ada").await.is_empty());
    let other = Browser::new();
    let page = other.open(&harbour.wiki().await.authorize_url("openid", &[])).await;
    let page = use_passkey(&other, &page, &mut passkey).await;
    assert_eq!(tokens(&harbour, &page).await.0, json!(["pop", "user", "mfa"]));
    assert!(harbour.stored(RecordKind::Password, "ada").await.is_empty());
}

#[tokio::test]
async fn a_passkey_is_accepted_in_place_of_a_required_app() {
    let harbour = Harbour::new().await;
    let (browser, _) = harbour.accept_with_app().await;
    let (mut passkey, _) = set_up_passkey(&browser, &harbour.account_url()).await;
    let other = Browser::new();
    let page = other.open(&harbour.wiki().await.authorize_url("openid", &[])).await;
    let page = use_passkey(&other, &page, &mut passkey).await;
    assert!(page.answer().contains_key("code"), "{} {}", page.status, page.body);
}

#[tokio::test]
async fn both_required_is_a_passkey() {
    let both = (OFFERED, "{passwords: Optional, totp: Required, passkeys: Required}");
    let harbour = Harbour::with(&[both]).await;
    let (_, mut passkey) = harbour.accept_with_passkey("ada", true).await;
    let (browser, page) = harbour.enter(("ada", CHOSEN)).await;
    let page = use_passkey(&browser, &page, &mut passkey).await;
    assert!(page.answer().contains_key("code"), "{} {}", page.status, page.body);
}

#[tokio::test]
async fn a_person_with_a_password_in_a_secret_sets_the_app_up_and_signs_in_with_both() {
    let harbour = Harbour::with(&[INVITES_BOB]).await;
    let browser = Browser::new();
    let page = browser.open(&invitation_link(&harbour.app, "bob")).await;
    assert!(!page.body.contains("new_password"), "{}", page.body);
    let app = App::with_key(&page);
    let page = confirm_app(&browser, &page, &app.code(&harbour.app.clock)).await;
    assert_eq!(recovery_codes(&page).len(), 10);
    let page = browser.open(&harbour.account_url()).await;
    assert!(is_sign_in(&page), "the app alone does not sign in: {}", page.body);
    let page = sign_in(&browser, &page, BOB).await;
    let page = enter(&browser, &page, &app.next_code(&harbour.app.clock)).await;
    assert!(is_account_page(&page), "{} {}", page.status, page.body);
}

#[tokio::test]
async fn a_person_without_a_factor_sees_what_to_ask_for() {
    let harbour = Harbour::new().await;
    let (browser, page) = harbour.enter(BOB).await;
    assert!(asks_for_invitation(&page, NO_APP), "{} {}", page.status, page.body);
    let line = harbour.app.audit.last("sign_in");
    assert_eq!((&line["outcome"], &line["reason"]), (&json!("failure"), &json!("factor_required")));
    assert!(harbour.stored(RecordKind::Session, "bob").await.is_empty());
    let answer = browser.submit(&page.form("/login"), &[("action", "cancel")]).await;
    assert_eq!(answer.answer()["error"], "access_denied");
    harbour.change(&[PASSKEYS]);
    assert!(asks_for_invitation(&harbour.enter(BOB).await.1, NO_PASSKEY));
}

#[tokio::test]
async fn a_stricter_policy_asks_sessions_for_the_factor_or_refuses_them() {
    let harbour = Harbour::with(&[OPTIONAL]).await;
    let (with_app, page) = harbour.enter(BOB).await;
    let (_, without_factor) = tokens(&harbour, &page).await;
    let app = set_up_app(&with_app, &harbour.account_url(), &harbour.app.clock).await;
    let (with_factor, page) = harbour.enter(BOB).await;
    let page = enter(&with_factor, &page, &app.next_code(&harbour.app.clock)).await;
    let (_, proved) = tokens(&harbour, &page).await;
    harbour.change(&[]);
    let url = harbour.wiki().await.authorize_url("openid", &[]);

    let page = with_factor.open(&url).await;
    assert!(page.answer().contains_key("code"), "it has the factor: {}", page.body);
    assert_eq!(refresh(&harbour, &proved).await.0, 200);
    let silent = harbour.wiki().await.authorize_url("openid", &[("prompt", "none")]);
    assert_eq!(with_app.open(&silent).await.answer()["error"], "login_required");
    let page = with_app.open(&url).await;
    assert!(asks_for_code(&page), "a step-up in the session: {} {}", page.status, page.body);
    let (status, error) = refresh(&harbour, &without_factor).await;
    assert_eq!((status, &error["error"]), (400, &json!("invalid_grant")), "{error}");
    assert_eq!(harbour.app.audit.last("entry_refused")["cause"], "authenticators.totp");
    let page = enter(&with_app, &page, &app.next_code(&harbour.app.clock)).await;
    assert!(page.answer().contains_key("code"), "{}", page.body);
    harbour.change(&[OPTIONAL]);
    assert_eq!(refresh(&harbour, &without_factor).await.0, 200, "nothing ended for good");

    harbour.change(&[PASSKEYS]);
    let page = with_factor.open(&url).await;
    assert_eq!(page.status, 403, "a code is not a passkey");
    assert!(page.body.contains("you can set up a passkey on your account page"), "{}", page.body);
    let (mut passkey, _) = set_up_passkey(&with_factor, &harbour.account_url()).await;
    let page = with_factor.open(&url).await;
    let page = use_passkey(&with_factor, &page, &mut passkey).await;
    assert!(page.answer().contains_key("code"), "{} {}", page.status, page.body);
}

#[tokio::test]
async fn a_session_without_a_factor_can_end_itself_and_nothing_else() {
    let harbour = Harbour::with(&[OPTIONAL]).await;
    let (browser, _) = harbour.enter(BOB).await;
    let page = browser.open(&harbour.account_url()).await;
    let setup = browser.open(&format!("{}?setup=authenticator-app", harbour.account_url())).await;
    assert!(setup.body.contains("Set up an authenticator app"), "{}", setup.body);
    harbour.change(&[]);
    let app = App::with_key(&setup);
    let fields =
        [("code", &*app.code(&harbour.app.clock)), ("action", "confirm-authenticator-app")];
    let refused = browser.submit(&setup.form("/account"), &fields).await;
    assert!(asks_for_invitation(&refused, NO_APP), "{} {}", refused.status, refused.body);
    assert!(harbour.stored(RecordKind::Totp, "bob").await.is_empty());
    assert!(asks_for_invitation(&browser.open(&harbour.account_url()).await, NO_APP));
    let left = browser.submit(&page.form("/account"), &[("action", "sign-out")]).await;
    assert!(left.body.contains("You are signed out"), "{}", left.body);
}

#[tokio::test]
async fn the_last_required_factor_is_replaced_and_not_removed() {
    let harbour = Harbour::new().await;
    let (browser, app) = harbour.accept_with_app().await;
    let page = browser.open(&harbour.account_url()).await;
    assert!(!page.body.contains("value=\"remove-authenticator-app\""), "{}", page.body);
    let kept =
        browser.submit(&page.form("/account"), &[("action", "remove-authenticator-app")]).await;
    assert!(kept.body.contains("Everyone needs this to sign in here"), "{}", kept.body);
    let (other, asked) = harbour.enter(("ada", CHOSEN)).await;
    let asked = enter(&other, &asked, &app.next_code(&harbour.app.clock)).await;
    let (_, offline) = tokens(&harbour, &asked).await;

    let setup = format!("{}?setup=authenticator-app", harbour.account_url());
    let again = browser.open(&setup).await;
    let second = App::with_key(&again);
    let code = second.code(&harbour.app.clock);
    let fields = [("code", &*code), ("action", "confirm-authenticator-app")];
    let replaced = browser.submit(&again.form("/account"), &fields).await;
    assert!(is_account_page(&replaced), "the codes are those of before: {}", replaced.body);
    assert!(replaced.body.contains("The authenticator app is set up."), "{}", replaced.body);
    assert_eq!(harbour.app.audit.last("authenticator_removed")["authenticator"], "totp");
    assert_eq!(refresh(&harbour, &offline).await.0, 400, "as if the first one was removed");
    let twice = browser.submit(&again.form("/account"), &fields).await;
    assert!(twice.body.contains("You have an authenticator app already"), "{}", twice.body);
    harbour.app.clock.advance(Duration::from_secs(30));
    let (other, asked) = harbour.enter(("ada", CHOSEN)).await;
    let asked = enter(&other, &asked, &app.code(&harbour.app.clock)).await;
    assert_eq!(asked.status, 422, "the first app is gone");
    let asked = enter(&other, &asked, &second.code(&harbour.app.clock)).await;
    assert!(asked.answer().contains_key("code"), "{}", asked.body);
}

#[tokio::test]
async fn the_last_required_passkey_is_not_removed_and_a_lost_one_is_replaced() {
    let harbour = Harbour::with(&[PASSKEYS]).await;
    let (browser, _lost) = harbour.accept_with_passkey("ada", true).await;
    let page = browser.open(&harbour.account_url()).await;
    let changed = browser.open(&passkey_link(&page)).await;
    let kept = browser.submit(&changed.form("/account"), &[("action", "remove-passkey")]).await;
    assert!(kept.body.contains("Everyone needs this to sign in here"), "{}", kept.body);

    // Recovery codes are made again, so that the test knows them.
    let made = press(&browser, &page, ("action", "new-recovery-codes")).await;
    let codes = recovery_codes(&made);
    let (other, page) = harbour.enter(("ada", CHOSEN)).await;
    assert!(page.body.contains("Use a recovery code on your account page."), "{}", page.body);
    assert!(!page.body.contains("name=\"recovery_code\""), "{}", page.body);
    let page = other.open(&harbour.account_url()).await;
    let page = sign_in(&other, &page, ("ada", CHOSEN)).await;
    let page = recover(&other, &page, &codes[0]).await;
    assert!(is_account_page(&page), "{} {}", page.status, page.body);
    // The page lists the oldest first.
    harbour.app.clock.advance(Duration::from_secs(1));
    let (mut new, _) = set_up_passkey(&other, &harbour.account_url()).await;
    let page = other.open(&harbour.account_url()).await;
    let changed = other.open(&passkey_link(&page)).await;
    let page = other.submit(&changed.form("/account"), &[("action", "remove-passkey")]).await;
    assert!(page.body.contains("The passkey was removed"), "{}", page.body);
    let page = other.open(&harbour.wiki().await.authorize_url("openid", &[])).await;
    let page = use_passkey(&other, &page, &mut new).await;
    assert!(page.answer().contains_key("code"), "{} {}", page.status, page.body);
}

#[tokio::test]
async fn another_invitation_has_nothing_to_set_up_before_a_reset() {
    const ONLY: (&str, &str) = (OFFERED, "{passkeys: Required}");
    let harbour = Harbour::with(&[ONLY]).await;
    assert!(harbour.needs_setup("ada").await);
    harbour.accept_with_passkey("ada", false).await;
    harbour.app.clock.advance(Duration::from_mins(1));
    harbour.change(&[ONLY, ("id: welcome-1", "id: welcome-2")]);
    assert!(!harbour.needs_setup("ada").await, "she has the passkey, lost or not");
    let page = Browser::new().open(&invitation_link(&harbour.app, "ada")).await;
    assert_eq!(page.status, 400, "the page of a link would say the same: {}", page.body);
    let now = harbour.app.clock.now().to_string();
    let reset = format!("  resetAuthenticatorsBefore: \"{now}\"\n  invitation: {{id: welcome-2");
    harbour.change(&[ONLY, ("  invitation: {id: welcome-1", &reset)]);
    assert!(harbour.needs_setup("ada").await);
    harbour.accept_with_passkey("ada", false).await;
}

#[tokio::test]
async fn an_invitation_for_an_app_has_nothing_to_set_up_once_there_is_one() {
    let harbour = Harbour::with(&[INVITES_BOB]).await;
    assert!(harbour.needs_setup("bob").await, "the password is in a Secret, the app is missing");
    let browser = Browser::new();
    let page = browser.open(&invitation_link(&harbour.app, "bob")).await;
    let app = App::with_key(&page);
    confirm_app(&browser, &page, &app.code(&harbour.app.clock)).await;
    harbour.change(&[(INVITES_BOB.0, &INVITES_BOB.1.replace("b-1", "b-2"))]);
    assert!(!harbour.needs_setup("bob").await);
}

#[tokio::test]
async fn after_a_reset_a_new_invitation_is_needed() {
    let harbour = Harbour::new().await;
    let (_, app) = harbour.accept_with_app().await;
    harbour.app.clock.advance(Duration::from_mins(1));
    let now = harbour.app.clock.now().to_string();
    let reset = format!("  resetAuthenticatorsBefore: \"{now}\"\n  invitation: {{id: welcome-1");
    // Ada has a password in a Secret by now, which the reset does not void.
    let with_secret = format!("  passwordSecretRef: {{name: bob-password}}\n{reset}");
    harbour.change(&[("  invitation: {id: welcome-1", &with_secret)]);
    let who = ("ada", BOB.1);
    assert!(asks_for_invitation(&harbour.enter(who).await.1, NO_APP));
    let used = Browser::new().open(&invitation_link(&harbour.app, "ada")).await;
    assert!(used.body.contains("This invitation was used"), "{}", used.body);
    harbour.change(&[("  invitation: {id: welcome-1", &with_secret.replace("welcome-1", "again"))]);
    let browser = Browser::new();
    let page = browser.open(&invitation_link(&harbour.app, "ada")).await;
    let second = App::with_key(&page);
    confirm_app(&browser, &page, &second.code(&harbour.app.clock)).await;
    let (other, page) = harbour.enter(who).await;
    let page = enter(&other, &page, &app.next_code(&harbour.app.clock)).await;
    assert_eq!(page.status, 422, "the first app is void");
    let page = enter(&other, &page, &second.code(&harbour.app.clock)).await;
    assert!(page.answer().contains_key("code"), "{}", page.body);
}

#[tokio::test]
async fn without_a_durable_store_a_person_without_a_factor_is_refused() {
    let harbour = Harbour::new().await;
    let link = invitation_link(&harbour.app, "ada");
    harbour.app.stage.keep_no_authenticators();
    harbour.change(&[]);
    assert!(asks_for_invitation(&harbour.enter(BOB).await.1, NO_APP));
    let page = Browser::new().open(&link).await;
    assert!(page.body.contains("Your invitation was not used up"), "{}", page.body);
}

#[tokio::test]
async fn an_invited_person_who_has_an_app_keeps_its_recovery_codes() {
    let harbour = Harbour::new().await;
    let (_, app) = harbour.accept_with_app().await;
    let again = ("id: welcome-1", "id: welcome-2");
    let both = (OFFERED, "{passwords: Optional, totp: Optional, passkeys: Required}");
    harbour.change(&[both, again]);
    let browser = Browser::new();
    let page = choose(&browser, &browser.open(&invitation_link(&harbour.app, "ada")).await).await;
    let passkey = new_passkey(&page);
    let created = passkey.create(&script_bytes(&page, "challenge"));
    let page = confirm_passkey(&browser, &page, &created).await;
    assert!(is_account_page(&page), "no new codes: {} {}", page.status, page.body);
    let other = Browser::new();
    let page = other.open(&harbour.account_url()).await;
    let page = sign_in(&other, &page, ("ada", CHOSEN)).await;
    let page = recover(&other, &page, &app.codes[0]).await;
    assert!(is_account_page(&page), "{} {}", page.status, page.body);
}

#[tokio::test]
async fn a_session_that_an_invited_password_began_ends_with_passwords() {
    let harbour = Harbour::new().await;
    let (browser, _) = harbour.accept_with_app().await;
    harbour.change(&[("passwords: Optional, totp: Required", "totp: Required")]);
    let page = browser.open(&harbour.account_url()).await;
    assert!(!is_account_page(&page), "{}", page.body);
    harbour.change(&[]);
    assert!(is_account_page(&browser.open(&harbour.account_url()).await));
}
