//! The sign-in page where domains belong to a provider: the name comes first.

use super::{
    attacks::{Away, PASSWORD, WITH_PASSWORD, World},
    browser::{Browser, Page, unescape},
};

/// The provider `corp` has the people of a domain, whose addresses others have too.
const ROUTED: (&str, &str) = ("  # RULES", "  signIn: {domains: [acme.test]}\n  # RULES");

/// The sign-in page in a new browser.
async fn arrive(world: &World, more: &[(&str, &str)]) -> (Browser, Page) {
    let browser = Browser::new();
    let page = browser.open(&world.application().await.authorize_url("openid email", more)).await;
    assert_eq!(page.status, 200, "{}", page.body);
    (browser, page)
}

/// The page after a name was typed.
async fn identify(browser: &Browser, page: &Page, name: &str) -> Page {
    let fields = [("username", name), ("action", "identify")];
    browser.submit(&page.form("/login"), &fields).await
}

/// Follows the link of the page that leads to a provider.
async fn follow(world: &World, browser: Browser, page: &Page) -> Away {
    let href = page.body.split("class=\"primary\" href=\"").nth(1).expect("a link");
    let href = unescape(href.split('"').next().expect("its end"));
    let refresh = page.body.split("http-equiv=\"refresh\" content=\"0; url=").nth(1);
    let refresh = unescape(refresh.expect("a refresh").split('"').next().expect("its end"));
    assert_eq!(refresh, href, "browsers follow it without a script");
    let page = browser.open(page.url.join(&href).expect("a URL").as_str()).await;
    let url = page.left_for.unwrap_or_else(|| panic!("{}", page.body));
    assert!(url.as_str().starts_with(&world.upstream.issuer), "{url}");
    let request = url.query_pairs().into_owned().collect();
    Away { browser, request }
}

/// The page without the name and the sealed interaction.
fn shape(page: &Page, name: &str) -> (u16, String) {
    let sealed = page.body.split("name=\"interaction\" value=\"").nth(1).unwrap_or_default();
    let sealed = sealed.split('"').next().unwrap_or_default();
    (page.status, page.body.replace(sealed, "SEALED").replace(name, "NAME"))
}

#[tokio::test]
async fn a_tenant_whose_people_all_come_from_providers_asks_for_no_password() {
    let world = World::new().await;
    let has_form = |page: &Page| page.body.contains("id=\"username\"");
    let (_, page) = arrive(&world, &[]).await;
    assert!(!has_form(&page) && page.body.contains("Continue with other"), "{}", page.body);
    let hidden = "signIn: {hidden: true}\n  ";
    let of_other = format!("{hidden}admit: Declared");
    let of_corp = format!("{hidden}# RULES");
    world.serve(&[("# RULES", &of_corp), ("admit: Declared", &of_other)]);
    let (_, page) = arrive(&world, &[]).await;
    assert!(!has_form(&page) && page.body.contains("Nobody can sign in"), "{}", page.body);
    world.serve(&WITH_PASSWORD);
    let (_, page) = arrive(&world, &[]).await;
    assert!(has_form(&page) && page.body.contains("id=\"password\""), "{}", page.body);
    assert!(page.body.contains("Continue with other"), "{}", page.body);
    // No user can sign in, because the only providers are not served.
    world.serve_with_problems(&[(
        "clientSecretRef: {name: secret}",
        "clientSecretRef: {name: absent}",
    )]);
    let (_, page) = arrive(&world, &[]).await;
    assert!(!has_form(&page) && page.body.contains("Nobody can sign in"), "{}", page.body);
}

#[tokio::test]
async fn the_domain_of_a_name_leads_to_its_provider() {
    let world = World::with(&[ROUTED, WITH_PASSWORD[0], WITH_PASSWORD[1]]).await;
    let (browser, page) = arrive(&world, &[]).await;
    assert!(!page.body.contains("type=\"password\""), "the name comes first: {}", page.body);
    assert!(page.body.contains("Continue with other") && !page.body.contains("<script"));
    let page = identify(&browser, &page, " Ada@ACME.test").await;
    assert!(page.body.contains("Continue with Acme &#60;b&#62;staff"), "{}", page.body);
    assert!(!page.body.contains("<script"), "{}", page.body);
    let away = follow(&world, browser, &page).await;
    assert_eq!(away.request["login_hint"], "Ada@ACME.test");
    world.upstream.nonce.lock().expect("whole").clone_from(&away.request["nonce"]);
    world.upstream.answers(|_| {});
    let page = world.back(&away, "corp", &[]).await;
    assert_eq!(world.id_token(&page).await["email"], "ada@acme.test");
}

#[tokio::test]
async fn other_names_are_asked_for_a_password() {
    let world = World::with(&[ROUTED, WITH_PASSWORD[0], WITH_PASSWORD[1]]).await;
    let (browser, page) = arrive(&world, &[]).await;
    let page = identify(&browser, &page, "grace").await;
    let form = page.form("/login");
    assert!(form.fields.contains(&("username".into(), "grace".into())), "{}", page.body);
    let wrong = browser.submit(&form, &[("password", "wrong"), ("action", "sign-in")]).await;
    assert_eq!(wrong.status, 422);
    let fields = [("password", PASSWORD), ("action", "sign-in")];
    let page = browser.submit(&wrong.form("/login"), &fields).await;
    assert_eq!(world.id_token(&page).await["sub"], world.app.subject("main", "grace"));
    // With a name in `login_hint` the first step is skipped. A domain alone is not a name.
    let (_, page) = arrive(&world, &[("login_hint", "grace")]).await;
    assert!(page.body.contains("type=\"password\"") && page.body.contains("value=\"grace\""));
    let (_, page) = arrive(&world, &[("login_hint", "@elsewhere.test")]).await;
    assert!(!page.body.contains("type=\"password\"") && !page.body.contains("@elsewhere.test"));
    let (browser, page) = arrive(&world, &[]).await;
    let page = browser.submit(&page.form("/login"), &[("action", "cancel")]).await;
    assert_eq!(page.answer()["error"], "access_denied");
}

#[tokio::test]
async fn the_first_step_does_not_reveal_which_users_exist() {
    let address = ("  username: grace\n", "  username: grace\n  email: grace@acme.test\n");
    let world = World::with(&[ROUTED, WITH_PASSWORD[0], WITH_PASSWORD[1], address]).await;
    let shown = async |name: &str| {
        let (browser, page) = arrive(&world, &[]).await;
        shape(&identify(&browser, &page, name).await, name)
    };
    let known = shown("grace").await;
    assert!(known.1.contains("type=\"password\""));
    for unknown in ["unknown", "grace@elsewhere.test", "corp:ada"] {
        assert_eq!(shown(unknown).await, known, "{unknown}");
    }
    // A domain of a provider leads there for every name, even for a declared user with a password here.
    for name in ["grace@acme.test", "unknown@acme.test"] {
        let (browser, page) = arrive(&world, &[]).await;
        for fields in [
            vec![("username", name), ("action", "identify")],
            vec![("username", name), ("action", "sign-in"), ("password", PASSWORD)],
        ] {
            let page = browser.submit(&page.form("/login"), &fields).await;
            assert_eq!(page.status, 200, "{name}: {}", page.body);
            assert!(page.body.contains("http-equiv=\"refresh\""), "{name}: {}", page.body);
            assert!(!page.body.contains(PASSWORD));
        }
    }
}

#[tokio::test]
async fn without_passwords_only_domains_and_buttons_lead_on() {
    let world = World::with(&[ROUTED]).await;
    for name in ["grace", "grace@elsewhere.test", ""] {
        let (browser, page) = arrive(&world, &[]).await;
        let page = identify(&browser, &page, name).await;
        assert_eq!(page.status, 422, "{name}");
        assert!(page.body.contains("No sign-in is available for this name."), "{}", page.body);
        assert!(!page.body.contains("type=\"password\""), "{}", page.body);
        let page = identify(&browser, &page, "ada@acme.test").await;
        follow(&world, browser, &page).await;
    }
    // A provider without a button is reached by its domains.
    let hidden = ("  # RULES", "  signIn: {domains: [acme.test], hidden: true}\n  # RULES");
    world.serve(&[hidden]);
    let (browser, page) = arrive(&world, &[]).await;
    assert!(!page.body.contains("Continue with Acme"), "{}", page.body);
    let page = identify(&browser, &page, "ada@acme.test").await;
    follow(&world, browser, &page).await;
}
