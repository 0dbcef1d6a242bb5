//! Mail to a person about a request. It answers nothing.

use super::{
    app::TestApp,
    world::{ALICE, MANIFESTS, World, allow, ask, ask_alice, assert_error, poll},
};
use crate::support::mail::{MailServerMood, MailSink};

#[tokio::test]
async fn a_request_is_announced_by_mail() {
    let mut sink = MailSink::start(MailServerMood::Takes).await;
    let (mail, secret) = sink.manifests();
    let manifests = MANIFESTS.replace(
        "  displayName: Harbour Works\n",
        &format!("  displayName: Harbour Works\n{}\n", mail.trim_end()),
    );
    let world = World { app: TestApp::start(&format!("{manifests}{secret}")).await };
    let bank = world.application("bank").await;
    let asked = ask_alice(&bank, &[("binding_message", "W4SCT")]).await;
    let told = sink.next().await;
    assert_eq!(told.to, ["alice@harbour.test"]);
    let subject = told.header("Subject").expect("a subject");
    assert!(subject.contains("Harbour Bank waits for your"), "{subject}");
    let (message, account) = (told.text(), world.account());
    for words in ["Harbour Bank asks for your", "Hello Alice Rivera", "127.0.0.1", account.as_str()]
    {
        assert!(message.contains(words), "{words}: {message}");
    }
    // The person compares the message on the page: a mail has no text of the client.
    assert!(!message.contains("W4SCT") && !subject.contains("W4SCT"), "{message}");
    // The link leads to the account page, which wants a sign-in.
    let page = super::browser::Browser::new().open(&account).await;
    assert!(page.body.contains("name=\"password\""), "{}", page.body);
    assert_error(&poll(&bank, &asked).await, "authorization_pending");
    allow(&world, &world.signed_in(ALICE).await).await;
    world.wait();
    assert_eq!(poll(&bank, &asked).await.0, 200);
    // The client has three mails to a person; a further request is on the account page alone.
    for _ in 0..2 {
        ask_alice(&bank, &[]).await;
        sink.next().await;
        allow(&world, &world.signed_in(ALICE).await).await;
    }
    ask_alice(&bank, &[]).await;
    // A person without an address is asked on the account page alone.
    assert_eq!(ask(&bank, &[("scope", "openid"), ("login_hint", "bob")]).await.0, 200);
    assert_eq!(sink.arrived(), None);
}
