use super::*;

const PATH: &str = "test.db";

fn tables(connection: &Connection) -> Vec<String> {
    let mut names = connection
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
        .unwrap();
    names
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect()
}

#[test]
fn a_failed_migration_rolls_back_all() {
    let mut connection = Connection::open_in_memory().unwrap();
    let steps = [
        "CREATE TABLE a (x INTEGER) STRICT;",
        "CREATE TABLE b (x INTEGER) STRICT; CREATE TABLE a (x);",
    ];
    apply(&mut connection, Path::new(PATH), &steps).unwrap_err();
    assert_eq!(tables(&connection), [""; 0]);
    assert_eq!(pragma(&connection, "user_version").unwrap(), 0);
    assert_eq!(pragma(&connection, "application_id").unwrap(), 0);
}

#[test]
fn only_missing_migrations_run() {
    let mut connection = Connection::open_in_memory().unwrap();
    let steps = [
        "CREATE TABLE a (x INTEGER) STRICT; INSERT INTO a VALUES (7);",
        "UPDATE a SET x = x + 1;",
    ];
    for through in [1, 2, 2] {
        apply(&mut connection, Path::new(PATH), &steps[..through]).unwrap();
    }
    assert_eq!(
        connection.query_row("SELECT x FROM a", [], |row| row.get(0)),
        Ok(8)
    );
    assert_eq!(pragma(&connection, "user_version").unwrap(), 2);
}

#[test]
fn a_file_of_another_program_is_refused_untouched() {
    let mut connection = Connection::open_in_memory().unwrap();
    connection.execute_batch("CREATE TABLE theirs (x)").unwrap();
    let error = migrate(&mut connection, Path::new(PATH)).unwrap_err();
    assert!(matches!(error, OpenError::Foreign(_)), "{error}");
    assert_eq!(tables(&connection), ["theirs"]);
}

#[test]
fn an_older_file_keeps_long_texts_and_shared_folders() {
    let mut connection = Connection::open_in_memory().unwrap();
    apply(&mut connection, Path::new(PATH), &MIGRATIONS[..4]).unwrap();
    let long = "é".repeat(2000);
    let projects =
        "INSERT INTO output_projects (_id, name, workspace_path, status, created_at, updated_at)
        VALUES (?, 'p', ?, 'created', 0, 0)";
    for (id, path) in [("1", "/a"), ("2", "/b"), ("3", "/a")] {
        connection.execute(projects, [id, path]).unwrap();
    }
    for text in ["short", long.as_str()] {
        let text = [text];
        connection
            .execute(
                "INSERT INTO deliveries (_id, output_project_id, text, state, attempts, route, version,
                    created_at, updated_at) VALUES (?1, '1', ?1, 'queued', 0, 'typed', 0, 0, 0)",
                text,
            )
            .unwrap();
        connection
            .execute(
                "INSERT INTO milestones (_id, output_project_id, element_name, status, context, created_at)
                    VALUES (?1, '1', 'e', 'pending', ?1, 0)",
                text,
            )
            .unwrap();
    }
    migrate(&mut connection, Path::new(PATH)).unwrap();
    let read = |sql: &str| -> Vec<Option<String>> {
        let mut query = connection.prepare(sql).unwrap();
        let rows = query.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    };
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(
        read("SELECT workspace_owned FROM output_projects ORDER BY n"),
        [text("/a"), text("/b"), None]
    );
    for (table, column) in [("deliveries", "text"), ("milestones", "context")] {
        let of = |column: String| read(&format!("SELECT {column} FROM {table} ORDER BY n"));
        let beginning = "é".repeat(1024);
        assert_eq!(of(column.to_owned()), [text("short"), Some(beginning)]);
        assert_eq!(of(format!("whole_{column}")), [None, Some(long.clone())]);
        let bytes = of(format!("CAST({column}_bytes AS TEXT)"));
        assert_eq!(bytes, [None, text("4000")]);
    }
}

#[test]
fn every_column_has_a_checked_type() {
    let mut connection = Connection::open_in_memory().unwrap();
    migrate(&mut connection, Path::new(PATH)).unwrap();
    let loose: i64 = connection
        .query_row(
            "SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND name NOT LIKE 'sqlite_%' AND NOT strict",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(loose, 0);
}
