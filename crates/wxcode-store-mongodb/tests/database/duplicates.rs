//! Tests with duplicates of a unique value in the database.

use mongodb::bson::{doc, oid::ObjectId};
use wxcode_store::conformance::Records;
use wxcode_store_mongodb::{Address, MongoStore, OpenError};

use crate::support::fresh;

#[tokio::test]
async fn duplicates_are_named_and_nothing_is_changed() {
    let Some(fresh) = fresh().await else { return };
    let project = ObjectId::new();
    let deliveries = fresh.collection("wxcode_deliveries").await;
    let copies = [ObjectId::new(), ObjectId::new()];
    for id in copies {
        let copy = doc! { "_id": id, "output_project_id": project, "idempotency_key": "ship it" };
        deliveries.insert_one(copy).await.unwrap();
    }
    let other = doc! { "output_project_id": project, "idempotency_key": "another" };
    deliveries.insert_one(other).await.unwrap();

    let address: Address = fresh.address.parse().unwrap();
    let error = MongoStore::open(&address).await.unwrap_err();
    let OpenError::Duplicates(found) = &error else {
        panic!("{error}")
    };
    assert_eq!(
        (found.collection, found.groups.len()),
        ("wxcode_deliveries", 1)
    );
    let said = error.to_string();
    for word in [
        &project.to_hex(),
        "ship it",
        &copies[0].to_hex(),
        &copies[1].to_hex(),
    ] {
        assert!(said.contains(word), "{said}");
    }
    assert!(!said.contains("another"), "{said}");
    assert_eq!(deliveries.count_documents(doc! {}).await.unwrap(), 3);

    // As the report advises: keep one document of each.
    let change = doc! { "$unset": { "idempotency_key": "" } };
    deliveries
        .update_one(doc! { "_id": copies[1] }, change)
        .await
        .unwrap();
    fresh.open().await;
}
