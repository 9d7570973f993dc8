//! The store of the tests.

use wxcode_testbed::mongodb::MongoServer;

/// The store named by `WXCODE_TEST_STORE`: `sqlite` (default), or `mongodb` with a new database per
/// server.
pub(super) async fn store() -> Option<String> {
    let (mongo, database) = shared_store().await?;
    Some(mongo.address(&database))
}

/// The server and the name of a new database, where `WXCODE_TEST_STORE` is `mongodb`.
pub(crate) async fn shared_store() -> Option<(&'static MongoServer, String)> {
    match std::env::var("WXCODE_TEST_STORE").as_deref() {
        Err(_) | Ok("" | "sqlite") => None,
        Ok("mongodb") => {
            let shared = tokio::task::spawn_blocking(wxcode_testbed::mongodb::shared);
            let database = format!("wxcode_test_{}", uuid::Uuid::new_v4().simple());
            Some((shared.await.unwrap().unwrap(), database))
        }
        Ok(other) => panic!("WXCODE_TEST_STORE={other}: use sqlite or mongodb"),
    }
}
