use super::*;

#[test]
fn a_change_reads_back_with_every_kind_of_value() {
    let (a, b) = (ObjectId::new(), ObjectId::new());
    let at = bson::DateTime::from_millis(5);
    let change = Change {
        rev: 7,
        mark: ObjectId::new(),
        writes: vec![
            Write::Insert(doc! { "_id": a, "text": "\0", "n": 1_i64, "at": at, "key": null }),
            Write::Delivery {
                id: a,
                set: doc! { "state": "failed", "at": at },
                over: true,
            },
            Write::Milestone {
                id: b,
                from: Some("pending".to_owned()),
                set: doc! {},
                ours: doc! { "status_reason": null },
                link: Link::To(a),
            },
            Write::Remove { id: b },
        ],
    };
    let kept = encode(&change).unwrap();
    assert_eq!(bson::deserialize_from_bson::<Change>(kept).unwrap(), change);
}
