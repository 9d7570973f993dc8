//! Web Push: a browser learns that a project waits for somebody.

use std::{fs, os::unix::fs::PermissionsExt as _};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::Method;
use ring::{
    aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    agreement::{ECDH_P256, EphemeralPrivateKey, UnparsedPublicKey, agree_ephemeral},
    hkdf::{HKDF_SHA256, KeyType, Salt},
    rand::SystemRandom,
};
use serde_json::{Value, json};

use super::{ready, receiver::Receiver};
use crate::{
    sources,
    support::{Agent, Server},
};

const AUTH: [u8; 16] = [7; 16];

/// A browser's keys.
struct Browser {
    private: EphemeralPrivateKey,
    public: Vec<u8>,
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

fn derived<const N: usize>(salt: &[u8], secret: &[u8], info: &[&[u8]]) -> [u8; N] {
    let mut out = [0; N];
    let key = Salt::new(HKDF_SHA256, salt).extract(secret);
    let okm = key.expand(info, Length(N)).unwrap();
    okm.fill(&mut out).unwrap();
    out
}

impl Browser {
    fn new() -> Self {
        let random = SystemRandom::new();
        let private = EphemeralPrivateKey::generate(&ECDH_P256, &random).unwrap();
        let public = private.compute_public_key().unwrap().as_ref().to_vec();
        Self { private, public }
    }

    fn subscription(&self, endpoint: &str) -> Value {
        json!({
            "endpoint": endpoint,
            "expirationTime": null,
            "keys": {
                "p256dh": URL_SAFE_NO_PAD.encode(&self.public),
                "auth": URL_SAFE_NO_PAD.encode(AUTH),
            },
        })
    }

    /// Decrypts a message by RFC 8291.
    fn read(self, body: &[u8]) -> Value {
        let (salt, own, record) = (&body[..16], &body[21..86], &body[86..]);
        let theirs = UnparsedPublicKey::new(&ECDH_P256, own);
        let secret: [u8; 32] = agree_ephemeral(self.private, &theirs, |shared| {
            derived(&AUTH, shared, &[b"WebPush: info\0", &self.public, own])
        })
        .unwrap();
        let key: [u8; 16] = derived(salt, &secret, &[b"Content-Encoding: aes128gcm\0"]);
        let nonce: [u8; 12] = derived(salt, &secret, &[b"Content-Encoding: nonce\0"]);
        let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key).unwrap());
        let mut record = record.to_vec();
        let nonce = Nonce::assume_unique_for_key(nonce);
        let text = key.open_in_place(nonce, Aad::empty(), &mut record).unwrap();
        serde_json::from_slice(text.strip_suffix(b"\x02").unwrap()).unwrap()
    }
}

#[tokio::test]
async fn a_browser_learns_of_a_question() {
    let (server, project) = ready().await;
    let (mut service, browser) = (Receiver::start().await, Browser::new());
    let shown = server.get("/push").await.expect(200);
    let key = shown["public_key"].as_str().unwrap();
    assert_eq!(URL_SAFE_NO_PAD.decode(key).unwrap().len(), 65);
    let file = server.data_dir().join("vapid.pk8");
    let mode = fs::metadata(file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let subscription = browser.subscription(&service.url("/push/1"));
    let made = server.post("/push", subscription.clone()).await.expect(201);
    // The same browser again replaces the subscription.
    let again = server.post("/push", subscription).await.expect(201);
    assert_ne!(made["id"], again["id"]);
    let own = &server.get("/push").await.expect(200)["subscriptions"];
    assert_eq!(
        (own.as_array().unwrap().len(), &own[0]["id"]),
        (1, &again["id"])
    );

    server.deliver(&project, "fake:permission").await;
    let told = service.next(201).await;
    assert_eq!(told.line, "POST /push/1 HTTP/1.1");
    assert_eq!(told.header("content-encoding"), "aes128gcm");
    assert_eq!(told.header("ttl"), "86400");
    let signed = told.header("authorization");
    assert!(
        signed.starts_with("vapid t=") && signed.ends_with(&format!(", k={key}")),
        "{signed}"
    );
    let message = browser.read(&told.body);
    assert_eq!(message["project_id"], json!(project));
    assert_eq!(
        (&message["title"], &message["state"]),
        (&json!("p"), &json!("waiting_permission"))
    );
    assert_eq!(message["url"], json!(format!("/#/projects/{project}")));

    // A browser that has unsubscribed at its service is forgotten.
    server.options(&project).await;
    let path = format!("/output-projects/{project}/answer");
    server
        .post(&path, json!({ "option": "No" }))
        .await
        .expect(200);
    server.idle(&project).await;
    server.deliver(&project, "fake:question").await;
    service.next(410).await;
    server
        .until("/push", "the browser is forgotten", |shown| {
            shown["subscriptions"] == json!([])
        })
        .await;
}

#[tokio::test]
async fn a_subscription_belongs_to_its_caller() {
    let server = Server::start(Agent::fake("")).await;
    let new = json!({ "name": "o", "role": "operator" });
    let operator = server.post("/tokens", new).await.expect(201);
    let (token, id) = (
        operator["token"].as_str().unwrap(),
        operator["id"].as_str().unwrap(),
    );
    let call = async |method: Method, path: &str, body: Option<Value>| {
        let request = server.request(method, &format!("/api/v1{path}"));
        let request = request.bearer_auth(token);
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        server.answer(request).await
    };
    let subscription = Browser::new().subscription("https://push.example/1");
    let made = call(Method::POST, "/push", Some(subscription)).await;
    let made = made.expect(201);
    assert_eq!(
        server.get("/push").await.expect(200)["subscriptions"],
        json!([])
    );
    let path = format!("/push/{}", made["id"].as_str().unwrap());
    server.delete(&path).await.problem(404);
    call(Method::GET, "/webhooks", None).await.problem(403);
    call(Method::DELETE, &path, None).await.expect(204);
    for _ in 0..2 {
        call(Method::DELETE, "/push", None).await.expect(204);
    }
    server.delete(&format!("/tokens/{id}")).await.expect(204);

    for (change, words) in [
        (json!({ "endpoint": "http://push.example/1" }), "endpoint"),
        (
            json!({ "endpoint": "https://169.254.169.254/" }),
            "link-local",
        ),
        (
            json!({ "keys": { "p256dh": "AAAA", "auth": "AAAA" } }),
            "keys.p256dh",
        ),
    ] {
        let mut wrong = Browser::new().subscription("https://push.example/1");
        for (field, value) in change.as_object().unwrap() {
            wrong[field] = value.clone();
        }
        let detail = server.post("/push", wrong).await.problem(422);
        assert!(detail.contains(words), "{detail}");
    }
}

#[tokio::test]
async fn a_login_of_a_removed_token_gets_nothing() {
    let (server, project) = ready().await;
    let (of_login, mut of_admin) = (Receiver::start().await, Receiver::start().await);
    let new = json!({ "name": "o", "role": "operator" });
    let token = server.post("/tokens", new).await.expect(201);
    let bearer = format!("Bearer {}", token["token"].as_str().unwrap());
    let link = sources::link_of(&server, "authorization", &bearer).await;
    let cookie = sources::open(&server, &link).await;
    let request = server.request(Method::POST, "/api/v1/push");
    let subscription = Browser::new().subscription(&of_login.url("/push"));
    let request = request.header("cookie", &cookie).json(&subscription);
    server.answer(request).await.expect(201);
    let path = format!("/tokens/{}", token["id"].as_str().unwrap());
    server.delete(&path).await.expect(204);
    let subscription = Browser::new().subscription(&of_admin.url("/push"));
    server.post("/push", subscription).await.expect(201);

    server.deliver(&project, "fake:permission").await;
    of_admin.next(201).await;
    assert!(!of_login.was_asked());
}
