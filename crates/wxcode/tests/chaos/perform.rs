//! Carries out the steps.

use std::{fs, time::Duration};

use bytes::Bytes;
use reqwest::Method;
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::time::sleep;
use wxcode_terminal::Size;

use super::{
    client::{Client, Order},
    count::Account,
    process::DAEMON,
    step::{End, Step, What, Word},
    taken::spell,
    world::{Said, Verdict, World},
};

impl World {
    /// Carries out a step; false if there was nothing to act on.
    pub(crate) async fn perform(&mut self, step: &Step, account: &mut Account) -> Verdict<bool> {
        match step {
            Step::Server {
                end,
                meanwhile,
                after,
            } => self.server(*end, meanwhile, *after).await,
            Step::ServerAmid {
                slot,
                word,
                key,
                after,
            } => self.server_amid(*slot, *word, *key, *after).await,
            Step::Deliver {
                slot,
                what,
                word,
                key,
            } => self.deliver(*slot, *what, *word, *key).await,
            Step::Again { slot, key } => self.again(*slot, *key).await,
            Step::Milestone { slot, word } => self.milestone(*slot, *word).await,
            Step::StartAgain { slot } => self.start_milestone(*slot).await,
            Step::Answer { slot, option } => self.answer(*slot, *option).await,
            Step::Start { slot } => {
                let path = self.path(*slot, "/session");
                let said = self.ask(Method::POST, &path, Some(json!({}))).await?;
                Ok(said.expect(&[200, 201, 409])?.status == 201)
            }
            Step::StartTwice { slot } => self.start_twice(*slot).await,
            Step::Stop { slot } => self.stop(*slot).await,
            Step::Remake { slot } => self.remake(*slot, account).await,
            Step::RemakeAmid { slot, after } => self.remake_amid(*slot, *after, account).await,
            Step::Run { slot, word } => self.run(*slot, *word).await,
            Step::Unfollow { slot } => {
                self.slots[*slot].follower.breaks();
                Ok(true)
            }
            Step::StoreAway { slot, word, ms } => self.store_away(*slot, *word, *ms).await,
            Step::Settle => self.settle(account).await,
            _ => Ok(self.without_server(step).await),
        }
    }

    /// The steps without a server.
    async fn without_server(&mut self, step: &Step) -> bool {
        match step {
            Step::Pause { who, ms } => self.pause_one(*who, *ms).await,
            Step::KillHolder { slot } => self.kill(*slot, true, false),
            Step::KillGuardian { slot } => self.kill(*slot, false, true),
            Step::KillBoth { slot } => self.kill(*slot, true, true),
            Step::KillAgent { slot } => self
                .family(*slot)
                .is_some_and(|family| family.agent.signal(Signal::KILL)),
            Step::Attach { slot, client } => {
                let (base, token) = (&self.server.base, &self.server.token);
                let new = Client::start(base, token, &self.slots[*slot].id);
                // The output of the earlier connection is compared as well.
                let place = &mut self.slots[*slot];
                if let Some(before) = place.clients[*client].replace(new) {
                    for (session, given) in before.seen().given.drain(..) {
                        place.tape.add(&session, given);
                    }
                }
                true
            }
            Step::Return { slot, client } if self.slots[*slot].clients[*client].is_none() => {
                let (base, token) = (&self.server.base, &self.server.token);
                let new = Client::start(base, token, &self.slots[*slot].id);
                self.slots[*slot].clients[*client] = Some(new);
                true
            }
            Step::Return { slot, client } => self.tell(*slot, *client, Order::Return),
            Step::Leave { slot, client } => self.tell(*slot, *client, Order::Leave),
            Step::Blink { slot, client } => self.tell(*slot, *client, Order::Blink),
            Step::Stall { slot, client } => self.tell(*slot, *client, Order::Stall),
            Step::Read { slot, client } => self.tell(*slot, *client, Order::Read),
            Step::Resize {
                slot,
                client,
                cols,
                rows,
            } => match Size::new(*cols, *rows) {
                Some(size) => self.tell(*slot, *client, Order::Resize(size)),
                None => false,
            },
            Step::Redraw {
                slot,
                client,
                history,
            } => self.tell(*slot, *client, Order::Redraw(*history)),
            Step::Draft {
                slot,
                client,
                word,
                breaks,
            } => {
                let order = match breaks {
                    true => Order::TypeAndBreak,
                    false => Order::Type,
                };
                self.types_as(*slot, *client, &format!("draft {}", spell(*word)), order)
            }
            Step::Enter { slot, client } => self.types(*slot, *client, "\r"),
            Step::Erase { slot, client } => {
                self.types(*slot, *client, "\u{1b}") && self.types(*slot, *client, "\u{1b}")
            }
            Step::TypeClear { slot, client, word } => {
                self.types(*slot, *client, &format!("/clear {}", spell(*word)))
                    && self.types(*slot, *client, "\r")
            }
            _ => false,
        }
    }

    fn tell(&self, slot: usize, client: usize, order: Order) -> bool {
        let client = self.slots[slot].clients[client].as_ref();
        client.map(|client| client.tell(order)).is_some()
    }

    fn types(&self, slot: usize, client: usize, text: &str) -> bool {
        self.types_as(slot, client, text, Order::Type)
    }

    fn types_as(
        &self,
        slot: usize,
        client: usize,
        text: &str,
        order: impl Fn(Bytes) -> Order,
    ) -> bool {
        let bytes = Bytes::copy_from_slice(text.as_bytes());
        let connected = self.slots[slot].clients[client]
            .as_ref()
            .is_some_and(|client| client.seen().is_connected);
        connected && self.tell(slot, client, order(bytes))
    }

    async fn server(&mut self, end: End, meanwhile: &[Step], after: u64) -> Verdict<bool> {
        match end {
            End::Kill => self.server.crash().await,
            End::Term => {
                let code = self.server.terminate().await;
                if code != Some(0) {
                    return Err(format!("the server ended with {code:?} on SIGTERM"));
                }
            }
        }
        for step in meanwhile {
            self.without_server(step).await;
        }
        sleep(Duration::from_millis(after)).await;
        self.server.up().await;
        Ok(true)
    }

    async fn server_amid(
        &mut self,
        slot: usize,
        word: Word,
        key: u64,
        after: u64,
    ) -> Verdict<bool> {
        let text = format!("amid {}", spell(word));
        let path = self.path(slot, "/deliveries");
        let body = json!({ "text": text, "idempotency_key": format!("k{key}") });
        self.slots[slot].keys.insert(key, text);
        let asked = self.ask_anyhow(Method::POST, &path, Some(body.clone()));
        let asked = tokio::spawn(asked);
        sleep(Duration::from_millis(after)).await;
        self.server.crash().await;
        let before = asked.await.ok().and_then(Result::ok);
        self.server.up().await;
        let said = self.ask(Method::POST, &path, Some(body)).await?;
        if let Some(before) = before.filter(|before| before.status == 202) {
            let again = said.status == 202 && said.body["id"] == before.body["id"];
            // No delivery starts during a run; the list shows the accepted deliveries.
            if !again && said.status != 409 {
                return Err(format!("two answers for one key: {before:?} and {said:?}"));
            }
            self.slots[slot].accept(&before.body)?;
        }
        self.accepted(slot, said)
    }

    /// Handles the answer to a command.
    fn accepted(&mut self, slot: usize, said: Said) -> Verdict<bool> {
        let said = said.expect(&[202, 409])?;
        if said.status == 202 {
            let accepted = self.slots[slot].accept(&said.body);
            accepted.map_err(|wrong| self.of(slot, &wrong))?;
        }
        Ok(said.status == 202)
    }

    async fn deliver(
        &mut self,
        slot: usize,
        what: What,
        word: Word,
        key: Option<u64>,
    ) -> Verdict<bool> {
        let word = spell(word);
        let text = match what {
            What::Plain => format!("hello {word}"),
            What::Lines => format!("first {word}\nsecond\nthird\nfourth"),
            What::Flood(count) => format!("fake:flood {count} {word}"),
            What::Tool => format!("fake:run true # {word}"),
            What::Daemon => format!("fake:run setsid {DAEMON} & # {word}"),
            What::Permission => format!("fake:permission {word}"),
            What::Question => format!("fake:question {word}"),
            What::Clear => format!("/clear {word}"),
            What::Exit => format!("fake:exit {word}"),
        };
        let mut body = json!({ "text": text });
        if let Some(key) = key {
            body["idempotency_key"] = format!("k{key}").into();
            self.slots[slot].keys.insert(key, text);
        }
        let path = self.path(slot, "/deliveries");
        let said = self.ask(Method::POST, &path, Some(body)).await?;
        self.accepted(slot, said)
    }

    async fn again(&mut self, slot: usize, key: u64) -> Verdict<bool> {
        let Some(text) = self.slots[slot].keys.get(&key) else {
            return Ok(false);
        };
        let body = json!({ "text": text, "idempotency_key": format!("k{key}") });
        let path = self.path(slot, "/deliveries");
        let one = self.ask(Method::POST, &path, Some(body.clone()));
        let other = self.ask(Method::POST, &path, Some(body));
        let (one, other) = tokio::join!(one, other);
        let (one, other) = (one?, other?);
        let both = one.status == 202 && other.status == 202;
        if both && one.body["id"] != other.body["id"] {
            return Err(format!("one key, two deliveries: {one:?} and {other:?}"));
        }
        // Either answer may have the later state.
        let later = ["queued", "written"];
        let order = |said: &Said| {
            let state = |name: &&str| said.body["state"] == **name;
            later.iter().position(state).unwrap_or(later.len())
        };
        let (first, second) = match order(&one) <= order(&other) {
            true => (one, other),
            false => (other, one),
        };
        self.accepted(slot, first)?;
        self.accepted(slot, second)
    }

    async fn milestone(&mut self, slot: usize, word: Word) -> Verdict<bool> {
        let body = json!({
            "output_project_id": self.slots[slot].id, "element_name": spell(word), "context": "# Context\n",
        });
        let said = self.ask(Method::POST, "/milestones", Some(body)).await?;
        let said = said.expect(&[201])?;
        self.slots[slot].milestone = said.body["id"].as_str().map(str::to_owned);
        self.start_milestone(slot).await
    }

    async fn start_milestone(&mut self, slot: usize) -> Verdict<bool> {
        let Some(milestone) = &self.slots[slot].milestone else {
            return Ok(false);
        };
        let path = format!("/milestones/{milestone}/start");
        let said = self.ask(Method::POST, &path, Some(json!({}))).await?;
        self.accepted(slot, said)
    }

    pub(crate) async fn answer(&mut self, slot: usize, option: usize) -> Verdict<bool> {
        let asks = self.session(slot).await?["asks"].take();
        let options = asks["options"].as_array().map_or(&[][..], Vec::as_slice);
        if options.is_empty() {
            return Ok(false);
        }
        let body = match asks["kind"].as_str() {
            Some("question") => {
                let label = &asks["questions"][0]["options"][option]["label"];
                json!({ "id": asks["id"], "answers": [{ "options": [label] }] })
            }
            _ => json!({ "id": asks["id"], "option": options[option % options.len()] }),
        };
        let path = self.path(slot, "/answer");
        let said = self.ask(Method::POST, &path, Some(body)).await?;
        Ok(said.expect(&[200, 409, 422])?.status == 200)
    }

    async fn start_twice(&mut self, slot: usize) -> Verdict<bool> {
        let path = self.path(slot, "/session");
        let one = self.ask(Method::POST, &path, Some(json!({})));
        let other = self.ask(Method::POST, &path, Some(json!({})));
        let (one, other) = tokio::join!(one, other);
        let (one, other) = (
            one?.expect(&[200, 201, 409])?,
            other?.expect(&[200, 201, 409])?,
        );
        let both = one.status == 201 && other.status == 201;
        if both && one.body["session_id"] == other.body["session_id"] {
            return Err(format!("one session, started twice: {one:?} and {other:?}"));
        }
        Ok(one.status == 201 || other.status == 201)
    }

    pub(crate) async fn stop(&mut self, slot: usize) -> Verdict<bool> {
        let tree = self.tree(slot);
        let path = self.path(slot, "/session");
        let said = self.ask(Method::DELETE, &path, None).await?;
        said.expect(&[204])?;
        self.sweep(slot);
        self.all_gone(slot, &tree).await?;
        Ok(!tree.keepers.is_empty())
    }

    async fn run(&mut self, slot: usize, word: Word) -> Verdict<bool> {
        self.stop(slot).await?;
        let path = self.path(slot, "/runs");
        let body = json!({ "prompt": format!("run {}", spell(word)) });
        let said = self.ask(Method::POST, &path, Some(body)).await?;
        Ok(said.expect(&[202, 409])?.status == 202)
    }

    async fn store_away(&mut self, slot: usize, word: Word, ms: u64) -> Verdict<bool> {
        let file = self.server.data_dir().join("wxcode.db");
        let away = self.server.data_dir().join("away.db");
        let text = format!("away {}", spell(word));
        fs::rename(&file, &away).map_err(|error| error.to_string())?;
        let path = self.path(slot, "/deliveries");
        let said = self
            .ask(Method::POST, &path, Some(json!({ "text": text })))
            .await;
        sleep(Duration::from_millis(ms)).await;
        fs::rename(&away, &file).map_err(|error| error.to_string())?;
        let said = said?.expect(&[503])?;
        self.slots[slot].refused.push(text);
        Ok(said.body["detail"] != Value::Null)
    }
}
