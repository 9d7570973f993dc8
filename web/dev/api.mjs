// The mock's API: projects with their sessions, deliveries and milestones, in memory.
import { randomBytes, randomUUID } from "node:crypto";
import { Agent } from "./agent.mjs";
import { Events } from "./events.mjs";
import { planning } from "./planning.mjs";
import { Problem } from "./problem.mjs";
import { Runs } from "./run.mjs";
import { Stream } from "./stream.mjs";

const STEPS = {
  pending: ["failed"],
  in_progress: ["completed", "failed"],
  failed: ["pending"],
  completed: [],
};

const now = () => new Date().toISOString();
const newId = () => Math.floor(Date.now() / 1000).toString(16) + randomBytes(8).toString("hex");

/** The requested part of a list. */
function page(all, query) {
  const skip = Number(query.get("skip") ?? 0);
  return all.slice(skip, skip + Number(query.get("limit") ?? 100));
}

export const fail = (status, detail) => {
  throw new Problem(status, detail);
};

export const found = (map, id, what) =>
  map.get(id) ?? fail(404, `There is no ${what} ${id}: list them to find the id.`);

/** The API of an empty server; `all` takes the events of all projects. */
export function makeApi(all) {
  const projects = new Map();
  const milestones = new Map();

  const entry = (id, source) => ({
    id,
    since: now(),
    until: null,
    source,
    reason: null,
    transcript_path: null,
  });

  /**
   * The running session of a project, or a new one, with this conversation of its history or the
   * current one.
   */
  function session(project, resumed, wanted = null) {
    if (project.name.includes("no agent"))
      fail(503, "`claude` was not found on PATH: install it, or set WXCODE_CLAUDE.");
    if (project.session?.status === "running") {
      if (!wanted || wanted === project.session.claude_session_id) return project.session;
      project.session.end(null, 15, "stopped");
    }
    if (project.runs.running) fail(409, "A run is under way: wait for it, or stop it.");
    const at = now();
    const conversation = wanted ?? project.session?.claude_session_id ?? randomUUID();
    const history = project.session?.claude_session_history ?? [
      entry(conversation, resumed ? "resume" : "startup"),
    ];
    if (!history.some(({ id }) => id === conversation))
      fail(422, "claude_session_id must be one of the project's history.");
    if (history.at(-1).id !== conversation) {
      Object.assign(history.at(-1), { until: at, reason: "resume" });
      history.push(entry(conversation, "resume"));
    }
    const it = {
      status: "running",
      session_id: newId(),
      claude_session_id: conversation,
      claude_session_history: history,
      claude_version: "2.1.332",
      pid: 40_000 + Math.floor(Math.random() * 9_000),
      started_at: at,
      exit: null,
    };
    const end = (code, signal, reason) => {
      if (it.status !== "running") return;
      it.agent.stop();
      it.status = "exited";
      it.exit = { code, signal, at: now(), reason };
      it.stream.finish(it.exit);
      project.events.tell("session.exited", { session_id: it.session_id, code, signal, reason });
    };
    it.end = end;
    it.agent = new Agent({
      cols: 120,
      rows: 40,
      cwd: project.workspace_path,
      trusted: !project.name.includes("untrusted"),
      changed: () =>
        project.events.tell("agent.state", { state: it.agent?.state, ask: it.agent?.asks ?? null }),
      output: (data) => it.stream.write(data),
      submitted: () => {},
      exited: (code) => end(code, null, "exited"),
      rotated: () => {
        const last = it.claude_session_history.at(-1);
        Object.assign(last, { until: now(), reason: "clear" });
        it.claude_session_id = randomUUID();
        it.claude_session_history.push(entry(it.claude_session_id, "clear"));
        project.events.tell("session.rotated", { claude_session_id: it.claude_session_id, source: "clear" });
      },
    });
    it.stream = new Stream(it.agent);
    project.session = it;
    project.events.tell("session.started", { session_id: it.session_id });
    pump(project);
    return it;
  }

  /** Advances the oldest queued delivery, one step per tick. */
  function pump(project) {
    clearTimeout(project.pump);
    const delivery = project.deliveries.find(({ state }) => state === "queued" || state === "written");
    if (!delivery) return;
    const agent = project.session?.status === "running" ? project.session.agent : null;
    const told = ({ id, state }) => project.events.tell("delivery.state", { delivery_id: id, state });
    if (delivery.state === "written") {
      delivery.state = "submitted";
      const milestone = milestones.get(delivery.milestone_id);
      if (milestone) move(milestone, "in_progress", "delivery", "its command was submitted");
      told(delivery);
    } else if (agent?.state === "idle" && agent.prompt === "") {
      if (delivery.text.startsWith("/bad"))
        Object.assign(delivery, {
          state: "failed",
          error: "the agent did not take the command within 15 s: look at its screen, then retry",
          error_code: "not_taken",
        });
      else {
        Object.assign(delivery, { state: "written", attempts: 1 });
        agent.deliver(delivery.text);
      }
      told(delivery);
    }
    project.pump = setTimeout(() => pump(project), 400);
  }

  function deliver(project, text, key, milestoneId = null) {
    const same = project.deliveries.find((delivery) => key && delivery.key === key);
    if (same) return same;
    const delivery = {
      id: newId(),
      text,
      key,
      milestone_id: milestoneId,
      state: "queued",
      attempts: 0,
      error: null,
      error_code: null,
      created_at: now(),
    };
    project.deliveries.push(delivery);
    pump(project);
    return delivery;
  }

  function move(milestone, status, by, reason = null) {
    Object.assign(milestone, { status, status_by: by, status_reason: reason });
    milestone.completed_at = status === "completed" ? now() : null;
    const { events } = projects.get(milestone.output_project_id);
    events.tell("milestone.status", { milestone_id: milestone.id, status, by, reason });
    events.tell("planning.changed");
  }

  /** With its position in the queue. */
  function shownMilestone(milestone) {
    const waiting = projects
      .get(milestone.output_project_id)
      .deliveries.filter(({ state }) => state === "queued");
    const at = waiting.findIndex(({ milestone_id }) => milestone_id === milestone.id);
    return { ...milestone, place_in_line: at < 0 ? null : at + 1 };
  }

  const shownSession = (project) => {
    const it = project.session;
    const run = project.runs.running ? project.runs.latest : null;
    if (!it) {
      return {
        status: "none",
        agent_state: "unknown",
        dialog: null,
        session_id: null,
        claude_session_id: null,
        claude_session_history: [],
        claude_version: null,
        pid: null,
        started_at: null,
        cols: null,
        rows: null,
        seq: 0,
        clients: 0,
        exit: null,
        asks: null,
        warning: null,
        run,
        resume_error: project.name.includes("cut off")
          ? "the agent could not start: `claude` is not installed: install it, then start the session"
          : null,
      };
    }
    const { stream, agent, end, ...rest } = it;
    return {
      ...rest,
      agent_state: agent.state,
      dialog: agent.asks?.dialog ?? null,
      cols: agent.cols,
      rows: agent.rows,
      seq: 0,
      clients: stream.clients.size,
      asks: it.status === "running" ? agent.asks : null,
      warning: project.name.includes("warned")
        ? "Hooks are turned off by a managed setting: commands cannot be confirmed. Ask your administrator to allow them."
        : null,
      run,
      resume_error: null,
    };
  };
  const shownProject = ({ session, deliveries, pump, events, runs, ...rest }) => rest;

  /** With its present activity. */
  const listed = (project) => {
    const { status, agent_state, asks } = shownSession(project);
    const milestone = [...milestones.values()].findLast(
      (one) => one.output_project_id === project.id && one.status === "in_progress",
    );
    return {
      ...shownProject(project),
      session: { status, agent_state, asks, limit: null, node: null },
      last_activity_at: project.updated_at,
      milestone: milestone ?? null,
      progress: null,
    };
  };

  function answer(method, parts, query, body) {
    const [kind, id, part, last] = parts;
    if (kind === "caller") return [200, { name: "mock", role: "admin", project_id: null }];
    if (kind === "output-projects" && !id) {
      if (method === "GET") {
        const q = (query.get("q") ?? "").toLowerCase();
        const found = [...projects.values()].filter(
          ({ id, name }) => id === q || name.toLowerCase().includes(q),
        );
        return [200, { projects: page(found, query).map(listed), total: found.length }];
      }
      if (!body.name?.trim()) fail(422, "name must have 1 to 200 characters.");
      if (body.workspace_path && !body.workspace_path.startsWith("/"))
        fail(422, `workspace_path must be an absolute existing folder; ${body.workspace_path} is not.`);
      const project = {
        id: newId(),
        name: body.name,
        status: "created",
        created_at: now(),
        updated_at: now(),
        session: null,
        deliveries: [],
        events: null,
        runs: new Runs(),
        settings: {
          permission_mode: null,
          model: null,
          args: null,
          env: null,
          claude_config_dir: null,
          hibernate_after_s: null,
        },
      };
      project.events = new Events((type, fields) => all.tell(type, { project_id: project.id, ...fields }));
      // Without a stream the page asks again and again.
      if (project.name.includes("silent")) all.cut();
      project.runs.tell = (type, fields) => project.events.tell(type, fields);
      project.workspace_path =
        body.workspace_path ??
        `/home/user/.wxcode/workspaces/output-projects/${body.name.toLowerCase().replace(/[^a-z0-9]/g, "_")}_${project.id.slice(-8)}`;
      projects.set(project.id, project);
      return [201, shownProject(project)];
    }
    if (kind === "output-projects") {
      const project = found(projects, id, "output project");
      if (!part) return [200, shownProject(project)];
      if (part === "session" && method === "GET") return [200, shownSession(project)];
      if (part === "session" && method === "POST") {
        session(project, true, body.claude_session_id);
        return [201, shownSession(project)];
      }
      if (part === "answer") {
        if (project.name.includes("deaf"))
          fail(409, "The answer did not reach the agent: answer in the terminal.");
        if (project.session?.status !== "running") fail(409, "No session runs: start it first.");
        project.session.agent.answer(body);
        return [200, shownSession(project)];
      }
      if (part === "planning") {
        const all = [...milestones.values()].filter((one) => one.output_project_id === id);
        return [200, planning(project, all)];
      }
      if (part === "runs" && last) {
        if (method === "DELETE") project.runs.stop(last);
        return method === "DELETE" ? [204] : [200, project.runs.find(last)];
      }
      if (part === "runs" && method === "POST") {
        if (project.session?.status === "running") fail(409, "A session runs: end it first.");
        return [202, project.runs.start(id, body.prompt)];
      }
      if (part === "runs")
        return [200, { runs: page(project.runs.all, query), total: project.runs.all.length }];
      if (part === "session" && method === "DELETE") {
        project.session?.end(null, 15, "stopped");
        return [204];
      }
      if (part === "deliveries" && method === "GET") {
        if (last)
          return [
            200,
            project.deliveries.find((delivery) => delivery.id === last) ??
              fail(404, "There is no such delivery."),
          ];
        return [200, { deliveries: page(project.deliveries, query), total: project.deliveries.length }];
      }
      if (part === "deliveries") return [202, deliver(project, body.text, body.idempotency_key)];
    }
    if (kind === "milestones" && !id) {
      if (method === "GET") {
        const all = [...milestones.values()].filter(
          (one) => one.output_project_id === query.get("output_project_id"),
        );
        return [200, { milestones: page(all, query).map(shownMilestone), total: all.length }];
      }
      found(projects, body.output_project_id, "output project");
      const milestone = {
        id: newId(),
        element_id: null,
        context: null,
        status: "pending",
        created_at: now(),
        completed_at: null,
        delivery_id: null,
        status_by: null,
        status_reason: null,
        ...body,
      };
      milestones.set(milestone.id, milestone);
      projects.get(body.output_project_id).events.tell("milestone.status", { milestone_id: milestone.id });
      return [201, shownMilestone(milestone)];
    }
    if (kind === "milestones") {
      const milestone = found(milestones, id, "milestone");
      const project = found(projects, milestone.output_project_id, "output project");
      if (part === "start") {
        session(project, false);
        const verb = [...milestones.values()].some((one) => one !== milestone && one.delivery_id)
          ? "milestone"
          : "project";
        const delivery = deliver(
          project,
          `/gsd:new-${verb} .milestones/${id}/MILESTONE-CONTEXT.md`,
          `milestone:${id}`,
          id,
        );
        milestone.delivery_id = delivery.id;
        return [202, delivery];
      }
      if (method === "PATCH") {
        if (body.status === undefined) {
          if (milestone.status !== "pending") fail(409, "Only a pending milestone can be edited.");
          Object.assign(milestone, body, { updated_at: now() });
          return [200, shownMilestone(milestone)];
        }
        if (!STEPS[milestone.status].includes(body.status))
          fail(409, `A ${milestone.status} milestone cannot become ${body.status}.`);
        move(milestone, body.status, "user", body.reason);
        return [200, shownMilestone(milestone)];
      }
      if (method === "DELETE") {
        if (milestone.status !== "pending") fail(409, "Only a pending milestone can be deleted.");
        milestones.delete(id);
        return [204];
      }
      return [200, shownMilestone(milestone)];
    }
    return fail(404, "There is nothing at this address.");
  }

  return { projects, session, shownSession, listed, answer };
}
