//! `wxcode drain`.

use serde_json::{Value, json};

use crate::{
    cli::{Common, DrainOptions},
    output,
    remote::{Remote, block_on},
};

pub(crate) fn run(common: &Common, options: &DrainOptions) -> anyhow::Result<()> {
    let remote = Remote::find(common)?;
    let path = "/nodes/self/drain";
    let node: Value = block_on(async {
        match options.off {
            true => {
                remote.client().delete(path).await?;
                let listed: Value = remote.client().get("/nodes").await?;
                Ok(listed["nodes"][0].clone())
            }
            false => Ok(remote.client().post(path, &json!({})).await?),
        }
    })?;
    if options.json {
        return output::print(serde_json::to_string_pretty(&node)?);
    }
    match options.off {
        true => output::print("the node takes new sessions again"),
        false => output::print(format_args!(
            "the node {} drains; {} sessions and runs are left",
            output::plain(node["name"].as_str().unwrap_or_default()),
            node["sessions"].as_u64().unwrap_or(0)
        )),
    }
}
