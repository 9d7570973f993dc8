//! A database behind TLS and authentication: with a user's password, and with a client's
//! certificate.

use std::{fs, path::Path};

use mongodb::{
    Client,
    bson::{Document, doc},
};
use tempfile::TempDir;
use wxcode_store::{PAGE_MAX, Page, ProjectStore, StoreError, conformance::sample};
use wxcode_store_mongodb::{Address, MongoStore, OpenError};
use wxcode_testbed::{certificate::Authority, mongodb::MongoServer};

use crate::support::{name, open};

const PASSWORD: &str = "hunter2";

/// A database that only takes TLS and known users, and the folder of the certificates.
struct Secured {
    server: MongoServer,
    folder: TempDir,
    database: String,
}

/// Writes an authority with a certificate for this machine and one for a client.
fn certificates(folder: &Path) {
    let authority = Authority::new().unwrap();
    fs::write(folder.join("authority.pem"), &authority.pem).unwrap();
    for (file, organization) in [("server.pem", "databases"), ("client.pem", "nodes")] {
        let issued = authority.issue("127.0.0.1", organization).unwrap();
        let both = issued.certificate + &issued.key;
        fs::write(folder.join(file), both).unwrap();
    }
}

impl Secured {
    /// `None`, after a printed reason, without a `mongod`.
    async fn start() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        certificates(folder.path());
        let path = |file: &str| folder.path().join(file).display().to_string();
        let (key, authority) = (path("server.pem"), path("authority.pem"));
        let started = tokio::task::spawn_blocking(move || {
            MongoServer::start_with(&[
                "--auth",
                "--tlsMode",
                "requireTLS",
                "--tlsCertificateKeyFile",
                &key,
                "--tlsCAFile",
                &authority,
                "--tlsAllowConnectionsWithoutCertificates",
                "--setParameter",
                "authenticationMechanisms=SCRAM-SHA-256,MONGODB-X509",
            ])
        });
        let server = match started.await.unwrap() {
            Ok(server) => server,
            Err(reason) => {
                wxcode_testbed::skip(&reason);
                return None;
            }
        };
        let secured = Self {
            server,
            folder,
            database: name(),
        };
        // The first user is made without one; the second by the first.
        let roles = doc! { "role": "root", "db": "admin" };
        let root = doc! { "createUser": "root", "pwd": PASSWORD, "roles": [roles] };
        secured.run("", "admin", root).await;
        let roles = doc! { "role": "readWrite", "db": &secured.database };
        let user = doc! { "createUser": "node", "pwd": PASSWORD, "roles": [&roles] };
        secured
            .run(&format!("root:{PASSWORD}@"), "admin", user)
            .await;
        let client = doc! { "createUser": "CN=wxcode,O=nodes", "roles": [&roles] };
        secured
            .run(&format!("root:{PASSWORD}@"), "$external", client)
            .await;
        Some(secured)
    }

    async fn run(&self, user: &str, database: &str, request: Document) {
        let address = self.address(user, "authority.pem", "&authSource=admin");
        let client = Client::with_uri_str(address).await.unwrap();
        client
            .database(database)
            .run_command(request)
            .await
            .unwrap();
    }

    /// The address for a user, with the certificate of an authority.
    fn address(&self, user: &str, authority: &str, options: &str) -> String {
        let address = self.server.address(&self.database);
        let address = address.replacen("mongodb://", &format!("mongodb://{user}"), 1);
        let authority = self.folder.path().join(authority);
        format!(
            "{address}&tls=true&tlsCAFile={}&serverSelectionTimeoutMS=3000{options}",
            authority.display()
        )
    }

    /// Why a store does not open.
    async fn refused(&self, address: &str) -> String {
        let address: Address = address.parse().unwrap();
        match MongoStore::open(&address).await {
            Err(OpenError::Store(StoreError::Unavailable(said))) => said.to_string(),
            other => panic!("{other:?}"),
        }
    }
}

async fn works(address: &str) {
    let project = {
        let store = open(address).await;
        sample::add_project(&store).await
    };
    let page = Page {
        skip: 0,
        limit: PAGE_MAX,
    };
    let listed = open(address).await.projects(page).await.unwrap();
    assert!(listed.items.iter().any(|listed| listed.id == project));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_and_certificates_open_a_secured_database() {
    let Some(secured) = Secured::start().await else {
        return;
    };
    let from_admin = "&authSource=admin";
    let user = format!("node:{PASSWORD}@");
    works(&secured.address(&user, "authority.pem", from_admin)).await;

    let certificate = secured.folder.path().join("client.pem");
    let by_certificate = format!(
        "&authMechanism=MONGODB-X509&authSource=$external&tlsCertificateKeyFile={}",
        certificate.display()
    );
    works(&secured.address("", "authority.pem", &by_certificate)).await;

    let stranger = secured.address("node:wrong@", "authority.pem", from_admin);
    let said = secured.refused(&stranger).await;
    assert!(said.contains("refuses this user"), "{said}");
    // A server whose certificate nobody known has signed gets no password.
    let other = secured.address(&user, "server.pem", from_admin);
    let said = secured.refused(&other).await;
    assert!(said.contains("cannot be reached"), "{said}");
    let plain = secured.address(&user, "authority.pem", from_admin);
    let plain = plain.replace("&tls=true", "&tls=false");
    let plain = plain.replace("tlsCAFile=", "appName=");
    let said = secured.refused(&plain).await;
    assert!(said.contains("cannot be reached"), "{said}");
    assert!(!said.contains(PASSWORD), "{said}");
}
