// Made from the OpenAPI document by `wxcode openapi | npm run schema`; do not edit.
export interface paths {
    "/api/openapi.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["openapi"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["listAudit"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/caller": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["showCaller"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/environment": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["showEnvironment"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["followAllEvents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/logins": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["listLogins"];
        put?: never;
        post: operations["createLogin"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/logins/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        delete: operations["removeLogin"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/milestones": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["listMilestones"];
        put?: never;
        post: operations["createMilestone"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/milestones/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["showMilestone"];
        put?: never;
        post?: never;
        delete: operations["deleteMilestone"];
        options?: never;
        head?: never;
        patch: operations["changeMilestone"];
        trace?: never;
    };
    "/api/v1/milestones/{id}/changes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["showChanges"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/milestones/{id}/prepare": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["prepareMilestone"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/milestones/{id}/start": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["startMilestone"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/milestones/{id}/terminal": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["milestoneTerminal"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/nodes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["listNodes"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/nodes/{id}/drain": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["drainNode"];
        delete: operations["undrainNode"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/nodes/{id}/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["listNodeSessions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/output-projects": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["listOutputProjects"];
        put?: never;
        post: operations["createOutputProject"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/output-projects/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["showOutputProject"];
        put?: never;
        post?: never;
        delete: operations["deleteOutputProject"];
        options?: never;
        head?: never;
        patch: operations["changeOutputProject"];
        trace?: never;
    };
    "/api/v1/output-projects/{id}/answer": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["answer"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/output-projects/{id}/conversation": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["showConversation"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/output-projects/{id}/deliveries": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["listDeliveries"];
        put?: never;
        post: operations["queueDelivery"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/output-projects/{id}/deliveries/{delivery_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["showDelivery"];
        put?: never;
        post?: never;
        delete: operations["cancelDelivery"];
        options?: never;
        head?: never;
        patch: operations["changeDelivery"];
        trace?: never;
    };
    "/api/v1/output-projects/{id}/driver": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["handOver"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/output-projects/{id}/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["followEvents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/output-projects/{id}/planning": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["showPlanning"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/output-projects/{id}/recording": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["showRecording"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/output-projects/{id}/runs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["listRuns"];
        put?: never;
        post: operations["startRun"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/output-projects/{id}/runs/{run_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["showRun"];
        put?: never;
        post?: never;
        delete: operations["stopRun"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/output-projects/{id}/screen": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["showScreen"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/output-projects/{id}/search": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["searchProject"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/output-projects/{id}/session": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["showSession"];
        put?: never;
        post: operations["startSession"];
        delete: operations["endSession"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/output-projects/{id}/shares": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["listShares"];
        put?: never;
        post: operations["createShare"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/output-projects/{id}/shares/{share_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        delete: operations["removeShare"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/output-projects/{id}/terminal": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["outputProjectTerminal"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/output-projects/{id}/uploads": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["uploadFile"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/output-projects/{id}/usage": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["showUsage"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/push": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["showPush"];
        put?: never;
        post: operations["subscribePush"];
        delete: operations["unsubscribeAllPush"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/push/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        delete: operations["unsubscribePush"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/search": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["search"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/tokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["listTokens"];
        put?: never;
        post: operations["createToken"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/tokens/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        delete: operations["removeToken"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/webhooks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["listWebhooks"];
        put?: never;
        post: operations["createWebhook"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/webhooks/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        delete: operations["removeWebhook"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/healthz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["liveness"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/login": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["loginPage"];
        put?: never;
        post: operations["login"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/logout": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["logout"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["metrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/readyz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["readiness"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/share/{link}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["openShare"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /**
         * @description The environment of an agent without settings of its project. An outlook holds names of
         *     variables, and few values.
         */
        AgentEnvironment: {
            /** @description The executable of Claude Code; `null` if there is none. */
            claude: string | null;
            /** @description Claude Code's configuration folder. */
            config_dir: string;
            /** @description The configured program: a path, or a name on `PATH`. */
            configured: string;
            /** @description The variable `PATH`. */
            path: string | null;
            /** @description The names of the agent's variables. */
            variables: string[];
            /** @description The names of Claude Code's variables that the server has and does not pass on. */
            withheld: string[];
        };
        /** @description The present situation of all projects: the data of the event `state`. */
        AllNow: components["schemas"]["ProjectList"] & {
            /** Format: date-time */
            at: string;
            /**
             * Format: int64
             * @description The newest event of this stream: later events are not covered here, or published again.
             */
            seq: number;
            /** @description Always `state`. */
            type: string;
        };
        /** @description A question of the tool `AskUserQuestion`. */
        AskedQuestion: {
            header: string;
            /** @description The labels of its options. */
            options: string[];
            question: string;
        };
        /** @description A pending question. */
        AskView: {
            /** @description The name of the dialog. */
            dialog: string;
            /** @description Names the question; each new question has another id. */
            id: string;
            /**
             * @description `permission`, `question` or `dialog`.
             * @enum {string}
             */
            kind: "permission" | "question" | "dialog";
            /** @description The choices on the screen, top to bottom; empty before the first look at the screen. */
            options: string[];
            /** @description The questions; empty for other kinds. */
            questions: components["schemas"]["QuestionView"][];
            /** @description The index of the marked choice, from 0. */
            selected: number | null;
            /** @description The tool's input; long texts are cut. */
            tool_input: Record<string, unknown> | null;
            /** @description The waiting tool; null without a hook. */
            tool_name: string | null;
        };
        /** @description An attempt to reach a webhook. */
        AttemptView: {
            /** Format: date-time */
            at: string;
            /** @description Why it failed; null for a success. */
            error: string | null;
        };
        AuditList: {
            /** @description Newest first. */
            entries: components["schemas"]["EntryView"][];
            /** @description `before` of the next older entries; null at the end. */
            next: string | null;
        };
        /** @description A part of a turn. */
        Block: {
            text: string;
            /** @enum {string} */
            type: "text";
        } | {
            id: string;
            /** @description The tool's input; long texts are cut. */
            input: Record<string, unknown>;
            name: string;
            result: components["schemas"]["ToolResult"] | null;
            /** @enum {string} */
            type: "tool";
        } | {
            /** @description The answer to each question, by the question's text; `null` before the answer. */
            answers: {
                [key: string]: string;
            } | null;
            id: string;
            questions: components["schemas"]["AskedQuestion"][];
            /** @description The user's refusal to answer. */
            refused: boolean;
            /** @enum {string} */
            type: "question";
        } | {
            summary: string | null;
            /** @description `manual` or `auto`. */
            trigger: string | null;
            /** @enum {string} */
            type: "compaction";
        } | {
            text: string;
            /** @enum {string} */
            type: "error";
        } | {
            /** @description The hook's event, such as `UserPromptSubmit`. */
            hook: string | null;
            /** @description The hook's reason. */
            text: string;
            /** @enum {string} */
            type: "refusal";
        };
        /** @description The sender of the request, with its rights. */
        CallerView: {
            /** @description The name of the caller's credential. */
            name: string;
            /** @description The only project; null for all. */
            project_id: string | null;
            /**
             * @description `viewer`, `operator` or `admin`.
             * @enum {string}
             */
            role: "viewer" | "operator" | "admin";
        };
        /** @description A changed file. */
        ChangedFile: {
            /**
             * Format: int64
             * @description Lines added; `null` for a binary file.
             */
            additions: number | null;
            /**
             * Format: int64
             * @description Lines deleted; `null` for a binary file.
             */
            deletions: number | null;
            /** @description The path in the workspace. */
            path: string;
            /**
             * @description `added`, `modified`, `deleted` or `type_changed`.
             * @enum {string}
             */
            status: "added" | "modified" | "deleted" | "type_changed";
        };
        /** @description A page of a conversation. */
        Conversation: {
            /** @description The conversation; `null` before the project's first one. */
            claude_session_id: string | null;
            /** @description The `before` of the page before this one; `null` at the beginning of the conversation. */
            next: string | null;
            /**
             * Format: int64
             * @description The lines of the transcript that were not understood in the part that was read.
             */
            skipped: number;
            /**
             * @description Its title in one line, up to 80 characters: that of `/rename`, else Claude Code's own, else
             *     the first words of the user; `null` before them.
             */
            title: string | null;
            /**
             * @description The turns, oldest first. A page may have fewer than asked for, even none, although `next`
             *     leads on.
             */
            turns: components["schemas"]["ConversationTurn"][];
        };
        /** @description A turn, its milestone and its delivery. */
        ConversationTurn: components["schemas"]["Turn"] & {
            /** @description The delivery of the prompt, or of the prompt that the turn answers; `null` for a typed one. */
            delivery_id: string | null;
            /** @description The milestone in work. */
            milestone_id: string | null;
        };
        /** @description Entries made while a milestone was in work. */
        CreatedEntries: {
            /** @description `null` if the milestone is gone. */
            element_name: string | null;
            milestone_id: string;
            /** @description Files and folders below `.planning/`, by path, up to 200. */
            paths: string[];
            /** @description The number of all its entries. */
            total: number;
        };
        /** @description A link, shown this once. */
        CreatedLink: {
            expires_at: string | null;
            /** @description The link's id; a login link, which counts once, has none. */
            id: string;
            /**
             * @description The link, at `public_url` or at the Host of the request; over the Unix socket without a
             *     `public_url` its path and query.
             */
            url: string;
        };
        /** @description A token with its text, shown this once. */
        CreatedToken: components["schemas"]["CredentialView"] & {
            /** @description The token's text. It cannot be shown again. */
            token: string;
        };
        /** @description A webhook with its secret, shown this once. */
        CreatedWebhook: components["schemas"]["WebhookView"] & {
            /** @description The key of the signature. It cannot be shown again. */
            secret: string;
        };
        /** @description A credential without its secret. */
        CredentialView: {
            created_at: string;
            /** @description The name of the creator's credential. */
            created_by: string;
            expires_at: string | null;
            id: string;
            last_use: components["schemas"]["UseView"] | null;
            name: string;
            /** @description The only project; null for all. */
            project_id: string | null;
            /** @enum {string} */
            role: "viewer" | "operator" | "admin";
            /**
             * @description The credential that a login comes from, and with which it ends; null for one that counts by
             *     itself.
             */
            source_id: string | null;
        };
        /** @description A change of a queued delivery; absent fields stay. */
        DeliveryChange: {
            /** @description Moves it before this queued delivery of the project. */
            before?: string | null;
            /**
             * Format: date-time
             * @description Another time; `null` for none.
             */
            not_before?: string | null;
            /** @description Another text, up to 1 MiB. */
            text?: string | null;
        };
        /** @description A page of deliveries. */
        DeliveryList: {
            deliveries: components["schemas"]["DeliveryView"][];
            /**
             * Format: int64
             * @description The number of all deliveries.
             */
            total: number;
        };
        /** @description A command on its way into a session. */
        DeliveryView: {
            /**
             * Format: int32
             * @description How often the text or an Enter was sent.
             */
            attempts: number;
            /** Format: date-time */
            created_at: string;
            /**
             * Format: int32
             * @description How often its text was edited, its time changed, or it was moved in the queue.
             */
            edits: number;
            /**
             * @description The reason of a failure; before that, the present obstacle: a dialog by its name, or `draft:
             *     …` for other text in the prompt.
             */
            error: string | null;
            /**
             * @description The kind of `error`, for programs that word it themselves.
             * @enum {string|null}
             */
            error_code: "cancelled" | "dialog" | "draft" | "no_prompt" | "keyboard" | "elsewhere" | "usage_limit" | "no_room" | "hook_refused" | "agent_ended" | "declined" | "not_taken" | "not_reported" | "not_alone" | "not_read" | "not_ready" | "no_hooks" | "milestone_gone" | "start_failed" | "in_run" | "conversation_held" | "workspace_missing" | "other" | null;
            id: string;
            idempotency_key: string | null;
            /** @description The milestone that it starts. */
            milestone_id: string | null;
            /**
             * Format: date-time
             * @description It waits until this time, and holds up no other delivery meanwhile.
             */
            not_before: string | null;
            output_project_id: string;
            /**
             * @description `queued`, `written`, `submitted` or `failed`.
             * @enum {string}
             */
            state: "queued" | "written" | "submitted" | "failed";
            /** @description It goes into a running turn instead of waiting for its end. */
            steer: boolean;
            /** @description What is typed; in lists of a long text the beginning, up to 1024 characters. */
            text: string;
            /**
             * Format: int64
             * @description How long the whole text is, in bytes.
             */
            text_bytes: number;
            /**
             * @description Whether `text` is less than the whole: the delivery alone (GET …/deliveries/{delivery_id})
             *     has it.
             */
            text_truncated: boolean;
            /** Format: date-time */
            updated_at: string;
        };
        /**
         * @description The state of a phase's folder, the most advanced first.
         * @enum {string}
         */
        DiskStatus: "complete" | "partial" | "planned" | "researched" | "discussed" | "empty" | "no_directory";
        /** @description An action of a caller, with its project and its outcome. */
        EntryView: {
            /** @description A stable word, such as `token.create`. */
            action: string;
            /** @description The name of the caller's credential. */
            actor: string;
            address: string;
            at: string;
            id: string;
            /** @description `ok`, or the status of the refusal. */
            outcome: string;
            project_id: string | null;
        };
        /** @description The end of a session. */
        ExitView: {
            at: string;
            /**
             * Format: int32
             * @description The exit code, if the agent exited.
             */
            code: number | null;
            reason: string;
            /**
             * Format: int32
             * @description The signal, if one killed the agent.
             */
            signal: number | null;
        };
        /** @description An answer: `option` for a permission or a dialog, `answers` for questions. */
        GivenAnswer: {
            /** @description One for each question, in order. */
            answers?: components["schemas"]["QuestionAnswer"][] | null;
            /**
             * @description The id of the question; another pending question refuses the answer. Without it, the present
             *     question is answered.
             */
            id?: string | null;
            /** @description One of the question's `options`, exactly. */
            option?: string | null;
        };
        /**
         * @description Settings to change: absent ones stay, `null` means the server's default. They count from the next
         *     start of the agent on.
         */
        GivenSettings: {
            /**
             * @description Arguments instead of the server's `[claude] args`: up to 64, 64 KiB together, without the flags
             *     that wxcode sets.
             */
            args?: string[] | null;
            /**
             * @description Claude Code's configuration folder, absolute. The conversations of another folder cannot be
             *     resumed in it.
             */
            claude_config_dir?: string | null;
            /**
             * @description Variables besides `[agent.env]`, which they override: a value sets one, `null` removes one;
             *     up to 200, 64 KiB together.
             */
            env?: {
                [key: string]: string | null;
            } | null;
            /**
             * Format: int64
             * @description The idle time after which the session hibernates: up to 31536000 seconds, 0 for never.
             *     Counts at once.
             */
            hibernate_after_s?: number | null;
            /**
             * @description Whether the conversation is copied into the data folder; `null` means yes. `false` removes
             *     the copy at once: a transcript that is deleted then takes the conversation with it.
             */
            mirror?: boolean | null;
            /** @description An alias or the full name of a model, passed as `--model`; up to 200 characters. */
            model?: string | null;
            /** @description `acceptEdits`, `auto`, `bypassPermissions`, `default`, `dontAsk`, `manual` or `plan`. */
            permission_mode?: string | null;
            /** @description Whether `/metrics` has the project's tokens, cost and limits; `null` means no. */
            usage_metrics?: boolean | null;
        };
        /** @description The server's health. */
        Health: {
            /** @description Always `ok`; anything else is a problem. */
            status: string;
        };
        /** @description One conversation of a project. */
        HistoryView: {
            id: string;
            /** @description The reason for leaving it. */
            reason: string | null;
            /** Format: date-time */
            since: string;
            /** @description `startup`, `resume`, `clear`, `compact`, `lost` or `headless`. */
            source: string;
            transcript_path: string | null;
            /** Format: date-time */
            until: string | null;
        };
        /** @description The copies of a project's conversations on this node. */
        KeptView: {
            /**
             * Format: int64
             * @description The size of all copies.
             */
            bytes: number;
            /**
             * Format: int64
             * @description The bound; beyond it, results of tools are dropped, the oldest first.
             */
            bytes_max: number;
            /**
             * Format: int64
             * @description Entries of the current conversation that were damaged on the disk and are not in its
             *     transcript.
             */
            damaged_entries: number;
            /**
             * Format: int64
             * @description The size of all dropped results.
             */
            dropped_bytes: number;
        };
        /** @description A usage limit of the agent's account. */
        LimitView: {
            /** @description The agent's words. */
            reason: string;
            /**
             * Format: date-time
             * @description When the account may be used again; null if the agent does not know.
             */
            resets_at: string | null;
        };
        /** @description An output project in the list. */
        ListedProject: components["schemas"]["ProjectView"] & {
            /**
             * Format: date-time
             * @description The time of the project's last event or change.
             */
            last_activity_at: string;
            milestone: components["schemas"]["MilestoneSummary"] | null;
            progress: components["schemas"]["PlanningProgress"] | null;
            session: components["schemas"]["SessionSummary"];
        };
        /** @description The login form. */
        Login: {
            /** @description A token, as `wxcode token create` prints it. */
            token: string;
        };
        LoginList: {
            logins: components["schemas"]["CredentialView"][];
        };
        /** @description A terminal client of the session. */
        MemberView: {
            /**
             * Format: int64
             * @description The client's number in the session.
             */
            client: number;
            /** @description Whether the session has the size of its window. */
            drives: boolean;
            /** @description The name of its token, or of the credential behind its login. */
            name: string;
            /** @description Whether it takes no input. */
            read_only: boolean;
            /**
             * Format: date-time
             * @description When it came.
             */
            since: string;
        };
        /** @description Another status, or other texts of a pending milestone; absent fields stay. */
        MilestoneChange: {
            /**
             * @description Other Markdown for `MILESTONE-CONTEXT.md`, up to 1 MiB, or `null` for none; not together
             *     with `status`.
             */
            context?: string | null;
            /** @description Another name, 1 to 200 characters; not together with `status`. */
            element_name?: string | null;
            /** @description The reason of the status, up to 1000 characters. */
            reason?: string | null;
            /** @description `pending`, `completed` or `failed`. */
            status?: string | null;
        };
        /** @description The changes since a milestone began. */
        MilestoneChanges: {
            /**
             * @description The git tree of the workspace when the milestone began, uncommitted work included. The tree
             *     is in no repository of the user.
             */
            base: string;
            /** @description The changed files, up to 5,000, by path. */
            files: components["schemas"]["ChangedFile"][];
            /** @description The differences in git's form, up to 2 MiB; bytes other than UTF-8 are replaced. */
            patch: string;
            /** @description Something is missing: files beyond the bounds, or the rest of the patch. */
            truncated: boolean;
        };
        /** @description A page of milestones. */
        MilestoneList: {
            milestones: components["schemas"]["MilestoneView"][];
            /**
             * Format: int64
             * @description The number of all milestones.
             */
            total: number;
        };
        /** @description The status of a milestone. */
        MilestoneState: {
            /** @description The origin of the last change or attempt: `user` or `delivery`. */
            by: string | null;
            element_name: string;
            milestone_id: string;
            /** @description The reason of the last change. */
            reason: string | null;
            /** @description `pending`, `in_progress`, `completed` or `failed`. */
            status: string;
        };
        /** @description A milestone, in short. */
        MilestoneSummary: {
            element_name: string;
            id: string;
            /**
             * @description Always `in_progress`.
             * @enum {string}
             */
            status: "pending" | "in_progress" | "completed" | "failed";
        };
        /** @description A milestone. */
        MilestoneView: {
            /** Format: date-time */
            completed_at: string | null;
            /** @description In lists of a long context the beginning, up to 1024 characters. */
            context: string | null;
            /**
             * Format: int64
             * @description How long the whole context is, in bytes; 0 without one.
             */
            context_bytes: number;
            /** @description Whether `context` is less than the whole: the milestone alone (GET /milestones/{id}) has it. */
            context_truncated: boolean;
            /** Format: date-time */
            created_at: string;
            /** @description The delivery of its command, once started. */
            delivery_id: string | null;
            element_id: string | null;
            element_name: string;
            id: string;
            milestone_folder_name: string | null;
            output_project_id: string;
            /**
             * @description The position, from 1, of its command among the project's open deliveries; `null` when none
             *     waits.
             */
            place_in_line: number | null;
            /**
             * @description `pending`, `in_progress`, `completed` or `failed`.
             * @enum {string}
             */
            status: "pending" | "in_progress" | "completed" | "failed";
            /**
             * @description The origin of the last change or attempt: `user`, or `delivery` for the delivery of its
             *     command; `null` before the first.
             */
            status_by: string | null;
            /** @description The reason of the last change; for a pending milestone, why its command failed. */
            status_reason: string | null;
            /** Format: date-time */
            updated_at: string | null;
            wxcode_version: string | null;
        };
        /** @description The usage of a month. */
        MonthView: {
            /**
             * Format: double
             * @description The cost in US dollars, as far as Claude Code wrote it down; `null` if it is not known.
             */
            cost_usd: number | null;
            /** @description The tokens by model. */
            models: {
                [key: string]: components["schemas"]["Tokens"];
            };
            /** @description The month in UTC, such as `2026-11`. */
            month: string;
            /** @description The tokens of all models, subagents included. */
            tokens: components["schemas"]["Tokens"];
        };
        /** @description The client that drives from now on. */
        NewDriver: {
            /**
             * Format: int64
             * @description The number of a client in the session's `present`.
             */
            client: number;
        };
        /** @description A new milestone. */
        NewMilestone: {
            /** @description Markdown for `MILESTONE-CONTEXT.md`, up to 1 MiB. */
            context?: string | null;
            /** @description Unique within the project. */
            element_id?: string | null;
            /**
             * @description 1 to 200 characters. Left out, it is the name of the element's document, or else
             *     `element_id`.
             */
            element_name?: string | null;
            output_project_id: string;
        };
        /** @description A new output project. */
        NewProject: {
            configuration_id?: string | null;
            kb_id?: string | null;
            /** @description 1 to 200 characters. */
            name: string;
            settings?: components["schemas"]["GivenSettings"] | null;
            stack_id?: string | null;
            /**
             * @description An existing absolute folder that no other project has; left out, a new one is made. Links
             *     are resolved. A leading `~/` is the home of the server's user.
             */
            workspace_path?: string | null;
        };
        /** @description A prompt to run. */
        NewRun: {
            /** @description The prompt, up to 100 KiB. */
            prompt: string;
        };
        /** @description A new share link. */
        NewShare: {
            /**
             * Format: int32
             * @description Seconds until the link expires, at most ten years; left out: a week.
             */
            expires_in_s?: number | null;
        };
        /** @description A browser's subscription, as `PushSubscription.toJSON()` gives it. */
        NewSubscription: {
            /**
             * Format: uri
             * @description An https address, of at most 2,048 bytes.
             */
            endpoint: string;
            /**
             * Format: double
             * @description Not used.
             */
            expirationTime?: number | null;
            keys: components["schemas"]["SubscriptionKeys"];
        };
        /** @description A text to deliver. */
        NewText: {
            /**
             * @description A second request with the same key and text gets the first one's delivery, also a failed
             *     one; up to 200 characters.
             */
            idempotency_key?: string | null;
            /**
             * Format: date-time
             * @description The delivery waits until this time, and holds up no other meanwhile.
             */
            not_before?: string | null;
            /** @description Types it into a running turn instead of waiting for its end. */
            steer?: boolean;
            /** @description The text to type and submit, up to 1 MiB. */
            text: string;
        };
        /** @description A new token. */
        NewToken: {
            /**
             * Format: int32
             * @description Seconds until the token expires, at most ten years; left out: never.
             */
            expires_in_s?: number | null;
            /** @description A name that no other token has, of at most 200 characters. */
            name: string;
            /** @description The only project of the token; left out: all projects. */
            project_id?: string | null;
            /** @description `viewer`, `operator` or `admin`; left out: `operator`. */
            role?: string | null;
        };
        /** @description A new webhook. */
        NewWebhook: {
            /** @description Types of events, such as `agent.state`; `session.*` for a group, `*` for all. */
            events: string[];
            /** @description The key of the signature, 16 to 200 bytes; left out, the server makes one. */
            secret?: string | null;
            /**
             * Format: uri
             * @description An http or https address, of at most 2,048 bytes.
             */
            url: string;
        };
        /** @description The nodes of the store. */
        NodeList: {
            nodes: components["schemas"]["NodeView"][];
        };
        /** @description What a node knows of a project's session. */
        NodeSession: {
            /**
             * Format: date-time
             * @description The last event of the project on this node.
             */
            last_event_at: string | null;
            project_id: string;
            session: components["schemas"]["SessionSummary"];
            /**
             * Format: date-time
             * @description The start of the latest session on this node.
             */
            started_at: string | null;
        };
        /** @description What one node knows of sessions. */
        NodeSessions: {
            /** @description The name of the node. */
            node: string;
            /** @description Its live sessions, the last ended ones, and the projects with events there. */
            sessions: components["schemas"]["NodeSession"][];
        };
        /** @description A node of the store. */
        NodeView: {
            /** @description The address for its peers. */
            address: string;
            /**
             * Format: int64
             * @description Most live sessions; null for any number.
             */
            capacity: number | null;
            /** @description Whether it takes no new sessions. */
            draining: boolean;
            /** @description The id of its data folder. */
            id: string;
            name: string;
            /**
             * Format: date-time
             * @description Its last heartbeat, by its own clock.
             */
            seen_at: string;
            /**
             * Format: int64
             * @description Its live sessions and runs.
             */
            sessions: number;
            version: string;
        };
        /** @description The present situation: the data of the event `state`. */
        Now: {
            /** Format: date-time */
            at: string;
            /** @description The open deliveries, in order. */
            deliveries: components["schemas"]["OpenDelivery"][];
            /** @description The newest 1000 milestones, oldest first. */
            milestones: components["schemas"]["MilestoneState"][];
            /**
             * Format: int64
             * @description The newest event: later events are not covered here, or published again.
             */
            seq: number;
            session: components["schemas"]["SessionView"];
            /** @description Always `state`. */
            type: string;
        };
        /** @description An open delivery. */
        OpenDelivery: {
            /** Format: int32 */
            attempts: number;
            delivery_id: string;
            error: string | null;
            milestone_id: string | null;
            /**
             * Format: date-time
             * @description It waits until this time.
             */
            not_before: string | null;
            /** @description `queued` or `written`. */
            state: string;
            /** @description It goes into a running turn. */
            steer: boolean;
            /** @description The beginning of its text, up to 200 characters. */
            text: string;
            /**
             * Format: int64
             * @description How long the whole text is, in bytes.
             */
            text_bytes: number;
            /** @description Whether `text` is less than the whole. */
            text_truncated: boolean;
        };
        /** @description A phase. */
        Phase: {
            /**
             * @description The folder in the archive of a shipped milestone, relative to `.planning`, if the phase was
             *     moved there.
             */
            archived: string | null;
            /** @description Done: the roadmap says so, or all plans have summaries and the verification passed. */
            complete: boolean;
            /**
             * @description The phase belongs to the current milestone: the progress counts it. Phases of other
             *     milestones, of the backlog (`999.1`) and dropped ones do not.
             */
            current: boolean;
            /** @description The dependencies, in the roadmap's words. */
            depends_on: string | null;
            /** @description The status by the folder alone. */
            disk_status: components["schemas"]["DiskStatus"];
            /** @description The folder, relative to `.planning/phases`. */
            folder: string | null;
            /** @description The goal, if the roadmap gives one. */
            goal: string | null;
            /** @description There is a context document. */
            has_context: boolean;
            /** @description There is a research document. */
            has_research: boolean;
            /** @description The milestone's version in the roadmap, or its title; `null` outside of a milestone. */
            milestone: string | null;
            /** @description The name in the roadmap. */
            name: string | null;
            /** @description The number without leading zeros: `3`, `3.1` for an inserted phase, `12A`. */
            number: string;
            /** @description The plans in the folder, by id. */
            plans: components["schemas"]["Plan"][];
            /** @description The ids of the phase's requirements, from the roadmap. */
            requirements: string[];
            /**
             * @description The roadmap says that the phase is complete: its box is ticked, or, without a box, a sign such
             *     as `✅`, a note or the table of progress says so.
             */
            roadmap_complete: boolean;
            /** @description The state in the roadmap's table of progress, for example `Deferred`. */
            roadmap_status: string | null;
            /** @description The phase belongs to a shipped milestone. A new phase of the same number hides it. */
            shipped: boolean;
            /** @description The part of the folder's name after the number. */
            slug: string | null;
            /** @description The status, from the folder, the verification and the box together. */
            status: components["schemas"]["PhaseStatus"];
            /** @description The number of summaries in the folder, also those without a plan. */
            summaries: number;
            uat: components["schemas"]["Uat"] | null;
            verification: components["schemas"]["Verification"] | null;
        };
        /**
         * @description The status of a phase.
         * @enum {string}
         */
        PhaseStatus: "pending" | "planned" | "in_progress" | "executed" | "needs_review" | "complete";
        /** @description A plan of a phase. */
        Plan: {
            /** @description The plan was executed: a summary has the same id. */
            has_summary: boolean;
            /** @description The phase's and the plan's number, as in `03-02`, independent of the file's name. */
            id: string;
            /** @description The title in the roadmap, otherwise the first heading or the first line of the objective. */
            title: string | null;
        };
        /** @description A phase, and its milestone. */
        PlannedPhase: components["schemas"]["Phase"] & {
            /** @description The milestone in work when its folder was made; `null` without a folder or a milestone. */
            milestone_id: string | null;
        };
        /** @description The content of `.planning/`. */
        Planning: {
            /**
             * @description Entries by the milestone in work at their creation: the newest 500 milestones, oldest first.
             *     Deleted entries are left out.
             */
            created: components["schemas"]["CreatedEntries"][];
            /**
             * @description The number of the first phase of the current milestone with an open plan; without one, of
             *     the last phase that awaits its verification.
             */
            current_phase: string | null;
            /** @description The version of the current milestone, if a document has it. */
            current_version: string | null;
            /** @description The shipped milestones, by version. */
            milestones: components["schemas"]["ShippedMilestone"][];
            /**
             * @description Folders `.planning` and `phases` below `.milestones/`, where none belong, up to 100,
             *     relative to the workspace.
             */
            misplaced: string[];
            /** @description The number of the first incomplete phase of the current milestone without plans. */
            next_phase: string | null;
            /** @description Lines of the roadmap that look like phases and were not understood, up to 50. */
            not_understood: components["schemas"]["UnreadLine"][];
            /** @description The phases of the roadmap and of the disk, in numeric order. */
            phases: components["schemas"]["PlannedPhase"][];
            /** @description The progress of the current milestone. */
            progress: components["schemas"]["PlanningProgress"];
            /** @description The requirements of the current milestone. */
            requirements: components["schemas"]["Requirements"];
            state: components["schemas"]["PlanningState"] | null;
            /** @description A bound was reached: entries are missing. */
            truncated: boolean;
        };
        /** @description The progress of the current milestone. */
        PlanningProgress: {
            /**
             * Format: int32
             * @description How far the current milestone is, rounded down. Each phase counts the same: in full once
             *     complete or executed, before that by the fraction of its plans with a summary, and not at
             *     all without plans. 100 means that every phase is executed; 0 without phases.
             */
            percent: number;
            /** @description Complete phases: ticked or verified. */
            phases_complete: number;
            /** @description Phases whose plans are all executed, and complete ones. */
            phases_executed: number;
            /**
             * @description Phases of the current milestone; if all milestones are shipped, of the last current one, or
             *     of all.
             */
            phases_total: number;
            /** @description Plans of these phases with a summary. */
            plans_complete: number;
            /** @description Plans of these phases. */
            plans_total: number;
        };
        /** @description The content of `STATE.md`: first its front matter, then its text. The file may be out of date. */
        PlanningState: {
            /** @description The last activity and its time. */
            last_activity: string | null;
            /** @description The time of the last update, according to the file. */
            last_updated: string | null;
            /** @description The version of the current milestone. */
            milestone: string | null;
            /** @description The name of the current milestone. */
            milestone_name: string | null;
            /** @description The time of the pause. */
            paused_at: string | null;
            /**
             * Format: int32
             * @description The progress according to the file, in percent.
             */
            percent: number | null;
            /** @description The number of the current phase. */
            phase: string | null;
            /** @description The name of the current phase. */
            phase_name: string | null;
            /**
             * Format: int32
             * @description The number of phases.
             */
            phases: number | null;
            /** @description The number of the current plan in its phase. */
            plan: string | null;
            /**
             * Format: int32
             * @description The number of plans in the phase.
             */
            plans: number | null;
            /** @description The current work, for example `Ready to plan` or `executing`. */
            status: string | null;
            /** @description The point to continue from. */
            stopped_at: string | null;
        };
        /** @description A prepared milestone. */
        Prepared: {
            /** @description The context file, relative to the workspace. */
            context_path: string;
            element_name: string;
            message: string;
        };
        /** @description An error of the API. */
        Problem: {
            /** @description A stable word for the problem; without a word of its own, the word of the status. */
            code: string;
            /** @description The problem and its remedy. */
            detail: string;
            /** @description With `workspace_taken`: that project's name. */
            name: string | null;
            /** @description With `workspace_taken`: the project that has the folder. */
            project_id: string | null;
            /**
             * Format: int32
             * @description The HTTP status.
             */
            status: number;
            /** @description The status in words. */
            title: string;
            /** @description Always `about:blank`: the status gives the kind of problem. */
            type: string;
        };
        /** @description Changes of an output project; absent fields stay. */
        ProjectChange: {
            configuration_id?: string | null;
            name?: string | null;
            settings?: components["schemas"]["GivenSettings"] | null;
            stack_id?: string | null;
            /**
             * @description Another existing absolute folder, where the conversation goes on; only while no session
             *     runs.
             */
            workspace_path?: string | null;
        };
        /** @description A page of output projects. */
        ProjectList: {
            projects: components["schemas"]["ListedProject"][];
            /**
             * Format: int64
             * @description The number of all projects, or of those that `q` finds.
             */
            total: number;
        };
        /** @description A project's own settings; `null` means the server's default. */
        ProjectSettings: {
            /** @description Arguments instead of the server's `[claude] args`. */
            args: string[] | null;
            claude_config_dir: string | null;
            /** @description The names of the project's variables; their values are never shown. */
            env: string[] | null;
            /**
             * Format: int64
             * @description The idle time after which the session hibernates, in seconds; 0: never.
             */
            hibernate_after_s: number | null;
            /** @description Whether the conversation is copied; `null` means yes. */
            mirror: boolean | null;
            model: string | null;
            permission_mode: string | null;
            /** @description Whether `/metrics` has the project's usage; `null` means no. */
            usage_metrics: boolean | null;
        };
        /** @description The usage of a project by month. */
        ProjectUsage: {
            /** @description Whether all transcripts were read to their ends; otherwise a later request has more. */
            is_complete: boolean;
            /** @description Oldest first. */
            months: components["schemas"]["MonthView"][];
        };
        /** @description An output project. */
        ProjectView: {
            /** @description The current conversation; `null` before the first start. */
            claude_session_id: string | null;
            configuration_id: string | null;
            /** Format: date-time */
            created_at: string;
            /** @description 24 hexadecimal digits. */
            id: string;
            kb_id: string | null;
            name: string;
            /** @description Its own settings for the agent, used from the next start on. */
            settings: components["schemas"]["ProjectSettings"];
            stack_id: string | null;
            /**
             * @description `created`, `initialized` or `active`.
             * @enum {string}
             */
            status: "created" | "initialized" | "active";
            /** Format: date-time */
            updated_at: string;
            /** @description The absolute folder that the agent works in. */
            workspace_path: string;
        };
        /** @description The server's key, and the caller's browsers. */
        PushView: {
            /** @description The `applicationServerKey` of a subscription: a point of P-256 in base64url. */
            public_key: string;
            /** @description The caller's browsers. */
            subscriptions: components["schemas"]["SubscriptionView"][];
        };
        /** @description The answer to one question. */
        QuestionAnswer: {
            /** @description Labels of its options: one, or several for a multi-select question. */
            options?: string[];
            /**
             * @description A free text: instead of an option, or with options for a multi-select question. Up to 2,000
             *     characters.
             */
            text?: string | null;
        };
        /** @description An option of a question. */
        QuestionOptionView: {
            description: string;
            label: string;
        };
        /** @description A question of the agent. */
        QuestionView: {
            header: string;
            /** @description Whether several options may be chosen. */
            multi_select: boolean;
            options: components["schemas"]["QuestionOptionView"][];
            question: string;
        };
        /**
         * @description The party that refused a tool.
         * @enum {string}
         */
        RefusedBy: "user" | "hook" | "rule";
        /** @description A requirement. */
        Requirement: {
            /** @description The box is ticked, or the traceability table says so. */
            complete: boolean;
            /** @description The number of the responsible phase. */
            phase: string | null;
            /** @description The state in the traceability table, for example `Pending`. */
            status: string | null;
            /** @description The text of the requirement. */
            text: string | null;
        };
        /** @description The requirements of `REQUIREMENTS.md`. */
        Requirements: {
            /** @description The requirements by id, for example `AUTH-01`. */
            by_id: {
                [key: string]: components["schemas"]["Requirement"];
            };
            /** @description The number of fulfilled requirements. */
            complete: number;
            /** @description The number of requirements. */
            total: number;
        };
        /**
         * @description The author of a turn.
         * @enum {string}
         */
        Role: "user" | "assistant" | "system";
        /** @description A page of runs. */
        RunList: {
            runs: components["schemas"]["RunView"][];
            /**
             * Format: int64
             * @description The number of all runs.
             */
            total: number;
        };
        /** @description A headless run of a project's agent. */
        RunView: {
            /** @description The conversation of the run. */
            claude_session_id: string;
            /** Format: date-time */
            ended_at: string | null;
            /** @description The reason of a failure, with a remedy. */
            error: string | null;
            exit: components["schemas"]["ExitView"] | null;
            id: string;
            output_project_id: string;
            prompt: string;
            /** @description The agent's answer, up to 256 KiB of it. */
            result: string | null;
            /** Format: date-time */
            started_at: string;
            /**
             * @description `running`, `succeeded`, `failed` or `stopped`.
             * @enum {string}
             */
            state: "running" | "succeeded" | "failed" | "stopped";
            /** @description What to know besides the outcome: lines of the transcript that the agent could not save. */
            warning: string | null;
        };
        /** @description A turn with the words. */
        SearchHit: {
            at: string | null;
            /** @description The `before` of the page of the conversation that ends with this turn. */
            before: string;
            claude_session_id: string;
            project_id: string;
            /** @description The text around the first word, up to 200 bytes. */
            snippet: string;
            turn_id: string;
        };
        /** @description The progress of the index, in bytes of transcripts. */
        SearchIndexing: {
            /** Format: int64 */
            done: number;
            /** Format: int64 */
            total: number;
        };
        /** @description The hits of a search. */
        SearchResult: {
            /** @description The newest turns of each conversation come first. */
            hits: components["schemas"]["SearchHit"][];
            indexing: components["schemas"]["SearchIndexing"] | null;
            /**
             * @description The `after` of the next answer: there are more hits, or a bound of bytes or time was
             *     reached; `null` when everything was searched.
             */
            next: string | null;
            /**
             * Format: int64
             * @description Conversations without a readable transcript.
             */
            unread: number;
        };
        /** @description A project's session, in short. */
        SessionSummary: {
            /**
             * @description The agent's state; `unknown` without an agent.
             * @enum {string}
             */
            agent_state: "starting" | "idle" | "working" | "waiting_permission" | "waiting_question" | "waiting_limit" | "blocked_dialog" | "unknown";
            asks: components["schemas"]["AskView"] | null;
            /** @description Attached terminal clients. */
            clients: number;
            limit: components["schemas"]["LimitView"] | null;
            /**
             * @description The name of the node of the running session, on a shared store; with the status
             *     `unreachable`, the node that does not answer.
             */
            node: string | null;
            /** @description The run in progress, which excludes a session. */
            run_id: string | null;
            /**
             * @description `none`, `starting`, `running`, `exited`, `hibernated`, or `unreachable` (on a node that does
             *     not answer).
             * @enum {string}
             */
            status: "none" | "starting" | "running" | "exited" | "hibernated" | "unreachable";
            unreachable: components["schemas"]["UnreachableView"] | null;
            /** @description Problems of the running session, with a remedy; null without one. */
            warning: string | null;
        };
        /** @description The session of an output project. */
        SessionView: {
            /**
             * @description The agent's state: `starting`, `idle`, `working`, `waiting_permission`, `waiting_question`,
             *     `blocked_dialog`, or `unknown` without an agent.
             * @enum {string}
             */
            agent_state: "starting" | "idle" | "working" | "waiting_permission" | "waiting_question" | "waiting_limit" | "blocked_dialog" | "unknown";
            asks: components["schemas"]["AskView"] | null;
            /** @description Every conversation of the project, oldest first, the current one last. */
            claude_session_history: components["schemas"]["HistoryView"][];
            /** @description The current conversation. */
            claude_session_id: string | null;
            /** @description Claude Code's version, once known. */
            claude_version: string | null;
            /** @description Attached terminal clients. */
            clients: number;
            /** Format: int32 */
            cols: number | null;
            /** @description The name of the dialog on the agent's screen. */
            dialog: string | null;
            exit: components["schemas"]["ExitView"] | null;
            kept: components["schemas"]["KeptView"] | null;
            limit: components["schemas"]["LimitView"] | null;
            /** @description Why the running session's log is off, with a remedy; null while it is on. */
            log_off: string | null;
            /** @description The model in effect, once known. */
            model: string | null;
            /**
             * @description The node of the running session, on a shared store; with the status `unreachable`, the node
             *     that does not answer.
             */
            node: string | null;
            /**
             * @description The permission mode in effect, once known, as Claude Code's hooks name it: `default` (manual),
             *     `acceptEdits`, `plan`, `auto`, `dontAsk` or `bypassPermissions`.
             */
            permission_mode: string | null;
            /**
             * Format: int32
             * @description The agent's process.
             */
            pid: number | null;
            /** @description The attached clients, the earliest first. */
            present: components["schemas"]["MemberView"][];
            /**
             * @description Why the server could not resume the session at its start; null after the next start of a
             *     session.
             */
            resume_error: string | null;
            /** Format: int32 */
            rows: number | null;
            run: components["schemas"]["RunView"] | null;
            /**
             * Format: int64
             * @description Bytes written by the agent so far.
             */
            seq: number | null;
            /** @description The running session, or the last one. */
            session_id: string | null;
            /** Format: date-time */
            started_at: string | null;
            /**
             * @description `none`, `starting`, `running`, `exited`, `hibernated` (ended while idle, until the next visit
             *     or delivery), or `unreachable` (on a node that does not answer).
             * @enum {string}
             */
            status: "none" | "starting" | "running" | "exited" | "hibernated" | "unreachable";
            unreachable: components["schemas"]["UnreachableView"] | null;
            usage: components["schemas"]["UsageView"] | null;
            /**
             * @description Problems of the running session, of the conversation's copy, and of a store that answers
             *     late, with a remedy; null without one.
             */
            warning: string | null;
        };
        ShareList: {
            shares: components["schemas"]["CredentialView"][];
        };
        /** @description A shipped milestone. */
        ShippedMilestone: {
            /** @description The name. */
            name: string | null;
            /** @description The day of shipping, as written. */
            shipped: string | null;
            /** @description For example `v1.0` or `v7`. */
            version: string;
        };
        /** @description The keys of a subscription. */
        SubscriptionKeys: {
            /** @description 16 bytes in base64url. */
            auth: string;
            /** @description A point of P-256 in base64url. */
            p256dh: string;
        };
        /** @description A browser. */
        SubscriptionView: {
            /** Format: date-time */
            created_at: string;
            /** @description The address that the browser's push service gave. */
            endpoint: string;
            id: string;
        };
        TokenList: {
            tokens: components["schemas"]["CredentialView"][];
        };
        /** @description Tokens by kind. */
        Tokens: {
            /**
             * Format: int64
             * @description Read from the cache.
             */
            cache_read: number;
            /**
             * Format: int64
             * @description Written into the cache.
             */
            cache_write: number;
            /**
             * Format: int64
             * @description Read by the model, without the cache.
             */
            input: number;
            /**
             * Format: int64
             * @description Written by the model.
             */
            output: number;
        };
        /** @description The result of a tool. */
        ToolResult: {
            is_error: boolean;
            refused_by: components["schemas"]["RefusedBy"] | null;
            text: string;
        };
        /** @description One message of a conversation. */
        Turn: {
            /** @description Its time, as Claude Code wrote it (RFC 3339). */
            at: string | null;
            blocks: components["schemas"]["Block"][];
            /** @description The `uuid` of its first entry in the transcript. */
            id: string;
            role: components["schemas"]["Role"];
            /** @description Texts of it are cut. */
            truncated: boolean;
        };
        /** @description The result of a user's acceptance test of a phase. */
        Uat: {
            /** @description Tests with an issue. */
            issues: number;
            /** @description Passed tests. */
            passed: number;
            /** @description Tests without a result. */
            pending: number;
            /** @description Skipped tests. */
            skipped: number;
            /** @description The state, for example `testing` or `complete`. */
            status: string | null;
        };
        /** @description The node of a project does not answer. */
        UnreachableView: {
            node: string;
            /** @description The reason, with a remedy. */
            reason: string;
            /**
             * Format: date-time
             * @description The node's last heartbeat, by its own clock; null if it never registered.
             */
            since: string | null;
        };
        /** @description A line of `ROADMAP.md` that was not understood. */
        UnreadLine: {
            /** @description The number of the line, from 1. */
            line: number;
            /** @description Its text, up to 300 characters. */
            text: string;
        };
        /** @description A file that the agent may read. */
        Upload: {
            /** @description Its absolute path on the server's machine. */
            path: string;
        };
        /** @description The usage of a session's conversation; `null` for what is not known. */
        UsageView: {
            /**
             * Format: double
             * @description The used part of the model's context window.
             */
            context_percent: number | null;
            /**
             * Format: double
             * @description The cost according to Claude Code, in US dollars.
             */
            cost_usd: number | null;
            /**
             * Format: double
             * @description The used part of the account's limit for five hours, until its reset.
             */
            five_hour_percent: number | null;
            /**
             * Format: int64
             * @description The tokens that the model read, those of its cache included.
             */
            input_tokens: number | null;
            /**
             * Format: int64
             * @description The tokens that the model wrote.
             */
            output_tokens: number | null;
            /**
             * Format: double
             * @description The used part of the account's limit for seven days, until its reset.
             */
            seven_day_percent: number | null;
        };
        /** @description The last use of a credential. */
        UseView: {
            address: string;
            at: string;
        };
        /** @description The result of a verification. */
        Verification: {
            /** @description For example `5/5 must-haves verified`. */
            score: string | null;
            /** @description The outcome. */
            status: components["schemas"]["VerificationStatus"];
        };
        /**
         * @description The outcome of a verification.
         * @enum {string}
         */
        VerificationStatus: "passed" | "gaps_found" | "human_needed" | "pending" | "other";
        /** @description All webhooks. */
        WebhookList: {
            webhooks: components["schemas"]["WebhookView"][];
        };
        /** @description A webhook without its secret. */
        WebhookView: {
            /** Format: date-time */
            created_at: string;
            /** @description The name of the creator's credential. */
            created_by: string;
            events: string[];
            id: string;
            last_attempt: components["schemas"]["AttemptView"] | null;
            url: string;
        };
        /** @description The conversation to resume. */
        Which: {
            /**
             * Format: uuid
             * @description A conversation of the project's history, to become the current one. The server first checks
             *     that the conversation can be resumed, then ends a session with another one. Left out: the
             *     current conversation.
             */
            claude_session_id?: string | null;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    openapi: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The OpenAPI document */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    listAudit: {
        parameters: {
            query?: {
                /** @description The `next` of the answer before; left out: from the newest entry. */
                before?: string;
                /** @description Most entries, 50 by default, at most 500. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of entries */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuditList"];
                };
            };
        };
    };
    showCaller: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The caller */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CallerView"];
                };
            };
        };
    };
    showEnvironment: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The environment of an agent without settings of its project */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AgentEnvironment"];
                };
            };
        };
    };
    followAllEvents: {
        parameters: {
            query?: {
                /**
                 * @description `event` makes each keep-alive an event `alive` instead of a comment, for pages: a browser
                 *     hides comments from them.
                 */
                keep_alive?: "comment" | "event";
                /** @description The client's last event, for clients without the header `Last-Event-ID`, which wins. */
                last_event_id?: string;
            };
            header?: {
                /** @description The last event that the client has. The later events follow, or one `reset` and a `state` when the server no longer has them, also after its restart. Without it, a `state` comes first */
                "Last-Event-ID"?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Server-sent events without an end; `event` is the type, `data` a JSON object with `type`, `seq`, `at`, `project_id`, and `project_seq`, its number in the stream of its project */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": components["schemas"]["AllNow"];
                };
            };
        };
    };
    listLogins: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All that count */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LoginList"];
                };
            };
        };
    };
    createLogin: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Created */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CreatedLink"];
                };
            };
        };
    };
    removeLogin: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description 24 hexadecimal digits */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Removed */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    listMilestones: {
        parameters: {
            query: {
                /** @description Most records, up to 1000; 100 by default. */
                limit?: number;
                /** @description The project; required. */
                output_project_id: string;
                /** @description Records to skip. */
                skip?: number;
                /** @description Only those with this status. */
                status?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of them */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MilestoneList"];
                };
            };
        };
    };
    createMilestone: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewMilestone"];
            };
        };
        responses: {
            /** @description Created, pending */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MilestoneView"];
                };
            };
        };
    };
    showMilestone: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description 24 hexadecimal digits */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The milestone */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MilestoneView"];
                };
            };
        };
    };
    deleteMilestone: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description 24 hexadecimal digits */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Deleted */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    changeMilestone: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description 24 hexadecimal digits */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["MilestoneChange"];
            };
        };
        responses: {
            /** @description The milestone afterwards */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MilestoneView"];
                };
            };
        };
    };
    showChanges: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description 24 hexadecimal digits */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The changed files and the patch */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MilestoneChanges"];
                };
            };
        };
    };
    prepareMilestone: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description 24 hexadecimal digits */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Prepared; a repetition changes nothing */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Prepared"];
                };
            };
        };
    };
    startMilestone: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description 24 hexadecimal digits */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The delivery of its command; a repetition returns the same one */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeliveryView"];
                };
            };
        };
    };
    milestoneTerminal: {
        parameters: {
            query?: {
                /** @description `wxcode.v1`: the client's name, 32 hexadecimal digits chosen by the client. */
                client?: string;
                /** @description `pt-BR` or `en`; by default from Accept-Language. */
                lang?: string;
                /** @description Only to look: input, sizes and signals are refused, and no session is started. */
                read_only?: boolean;
                /** @description `wxcode.v1`: the client's earlier session. */
                session?: string;
                /** @description `wxcode.v1`: the client has the output of `session` up to this offset. */
                since?: number;
                /** @description `false` joins the running session and starts none; by default a missing session is started. */
                start?: boolean;
            };
            header?: never;
            path: {
                /** @description 24 hexadecimal digits */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: never;
    };
    listNodes: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All of them */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NodeList"];
                };
            };
        };
    };
    drainNode: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The node's id, or `self` */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It drains */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NodeView"];
                };
            };
        };
    };
    undrainNode: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The node's id, or `self` */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It takes new sessions */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NodeView"];
                };
            };
        };
    };
    listNodeSessions: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The node's id, or `self` */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All of them */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NodeSessions"];
                };
            };
        };
    };
    listOutputProjects: {
        parameters: {
            query?: {
                /** @description Only projects with this record of a knowledge base. */
                kb_id?: string;
                /** @description Most projects, up to 500; 50 by default. */
                limit?: number;
                /** @description Only projects whose name or folder holds this text, in any case, or whose id begins with it. */
                q?: string;
                /** @description Projects to skip. */
                skip?: number;
                /**
                 * @description `created`, the default: oldest first. `attention`: those that wait for a person first.
                 *     `activity`: the latest first. `name`: by name.
                 */
                sort?: string;
                /** @description Only projects in this progress: `created`, `initialized` or `active`. */
                status?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of them */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProjectList"];
                };
            };
        };
    };
    createOutputProject: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewProject"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProjectView"];
                };
            };
        };
    };
    showOutputProject: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description 24 hexadecimal digits */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The project */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProjectView"];
                };
            };
        };
    };
    deleteOutputProject: {
        parameters: {
            query?: {
                /** @description Ends a running session first. */
                force?: boolean;
            };
            header?: never;
            path: {
                /** @description 24 hexadecimal digits */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Deleted */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    changeOutputProject: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description 24 hexadecimal digits */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ProjectChange"];
            };
        };
        responses: {
            /** @description The project afterwards */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProjectView"];
                };
            };
        };
    };
    answer: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description 24 hexadecimal digits */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["GivenAnswer"];
            };
        };
        responses: {
            /** @description The session after the answer */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SessionView"];
                };
            };
        };
    };
    showConversation: {
        parameters: {
            query?: {
                /**
                 * @description The `next` of the page after the wanted one, or the `before` of a search's hit; the last
                 *     page by default.
                 */
                before?: string;
                /** @description A conversation of the project's history; the current one by default. */
                claude_session_id?: string;
                /** @description Left out for a page; `markdown` or `jsonl` for the whole conversation. */
                format?: string;
                /** @description Most turns, 1 to 200; 50 by default. */
                limit?: number;
            };
            header?: never;
            path: {
                /** @description 24 hexadecimal digits */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The page; with `format` the whole conversation as a stream */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Conversation"];
                    "application/jsonl": string;
                    "text/markdown; charset=utf-8": string;
                };
            };
        };
    };
    listDeliveries: {
        parameters: {
            query?: {
                /** @description Most records, up to 1000; 100 by default. */
                limit?: number;
                /** @description Records to skip. */
                skip?: number;
            };
            header?: never;
            path: {
                /** @description 24 hexadecimal digits */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of them */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeliveryList"];
                };
            };
        };
    };
    queueDelivery: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description 24 hexadecimal digits */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewText"];
            };
        };
        responses: {
            /** @description Queued, or the delivery that has the key already */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeliveryView"];
                };
            };
        };
    };
    showDelivery: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description 24 hexadecimal digits */
                delivery_id: string;
                /** @description 24 hexadecimal digits */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The delivery */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeliveryView"];
                };
            };
        };
    };
    cancelDelivery: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description 24 hexadecimal digits */
                delivery_id: string;
                /** @description 24 hexadecimal digits */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is cancelled */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    changeDelivery: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description 24 hexadecimal digits */
                delivery_id: string;
                /** @description 24 hexadecimal digits */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DeliveryChange"];
            };
        };
        responses: {
            /** @description The changed delivery */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeliveryView"];
                };
            };
        };
    };
    handOver: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description 24 hexadecimal digits */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewDriver"];
            };
        };
        responses: {
            /** @description The client drives */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    followEvents: {
        parameters: {
            query?: {
                /**
                 * @description `event` makes each keep-alive an event `alive` instead of a comment, for pages: a browser
                 *     hides comments from them.
                 */
                keep_alive?: "comment" | "event";
                /** @description The client's last event, for clients without the header `Last-Event-ID`, which wins. */
                last_event_id?: string;
            };
            header?: {
                /** @description The last event that the client has. The later events follow, or one `reset` and a `state` when the log no longer has them. Without it, a `state` comes first */
                "Last-Event-ID"?: string | null;
            };
            path: {
                /** @description 24 hexadecimal digits */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Server-sent events without an end; `event` is the type, `data` a JSON object with `type`, `seq` and `at` */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": components["schemas"]["Now"];
                };
            };
        };
    };
    showPlanning: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description 24 hexadecimal digits */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The content of the files; an empty or missing `.planning/` has no phases, at 0 percent */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Planning"];
                };
            };
        };
    };
    showRecording: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description 24 hexadecimal digits */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description An asciicast, version 3, up to now; lost output is a marker in it */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/x-asciicast": string;
                };
            };
        };
    };
    listRuns: {
        parameters: {
            query?: {
                /** @description Most records, up to 1000; 100 by default. */
                limit?: number;
                /** @description Records to skip. */
                skip?: number;
            };
            header?: never;
            path: {
                /** @description 24 hexadecimal digits */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of them */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RunList"];
                };
            };
        };
    };
    startRun: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description 24 hexadecimal digits */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewRun"];
            };
        };
        responses: {
            /** @description The run began */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RunView"];
                };
            };
        };
    };
    showRun: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description 24 hexadecimal digits */
                id: string;
                /** @description 24 hexadecimal digits */
                run_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The run */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RunView"];
                };
            };
        };
    };
    stopRun: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description 24 hexadecimal digits */
                id: string;
                /** @description 24 hexadecimal digits */
                run_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The run ended, or had ended before */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    showScreen: {
        parameters: {
            query?: {
                /** @description `text`, the default, or `ansi`: the stream that redraws it on a freshly reset terminal. */
                format?: string;
            };
            header?: never;
            path: {
                /** @description 24 hexadecimal digits */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The visible rows, without trailing blanks, or the stream that redraws them */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain; charset=utf-8": string;
                };
            };
        };
    };
    searchProject: {
        parameters: {
            query: {
                /** @description The `next` of the answer before. */
                after?: string;
                /** @description Most hits, 1 to 100; 20 by default. */
                limit?: number;
                /**
                 * @description Words, up to 500 bytes. Case and accents do not matter; each word may be the beginning of
                 *     one. A turn is a hit when it has all of them.
                 */
                q: string;
            };
            header?: never;
            path: {
                /** @description 24 hexadecimal digits */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The hits */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SearchResult"];
                };
            };
        };
    };
    showSession: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description 24 hexadecimal digits */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The session, also when there is none */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SessionView"];
                };
            };
        };
    };
    startSession: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description 24 hexadecimal digits */
                id: string;
            };
            cookie?: never;
        };
        /** @description May be left out */
        requestBody?: {
            content: {
                "application/json": components["schemas"]["Which"] | null;
            };
        };
        responses: {
            /** @description The session was running already */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SessionView"];
                };
            };
            /** @description The session was started */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SessionView"];
                };
            };
        };
    };
    endSession: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description 24 hexadecimal digits */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The session ended, or none was running */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    listShares: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description 24 hexadecimal digits */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All that count */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ShareList"];
                };
            };
        };
    };
    createShare: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description 24 hexadecimal digits */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewShare"];
            };
        };
        responses: {
            /** @description Created; the address is in this answer only */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CreatedLink"];
                };
            };
        };
    };
    removeShare: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description 24 hexadecimal digits */
                id: string;
                /** @description 24 hexadecimal digits */
                share_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Removed */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    outputProjectTerminal: {
        parameters: {
            query?: {
                /** @description `wxcode.v1`: the client's name, 32 hexadecimal digits chosen by the client. */
                client?: string;
                /** @description `pt-BR` or `en`; by default from Accept-Language. */
                lang?: string;
                /** @description Only to look: input, sizes and signals are refused, and no session is started. */
                read_only?: boolean;
                /** @description `wxcode.v1`: the client's earlier session. */
                session?: string;
                /** @description `wxcode.v1`: the client has the output of `session` up to this offset. */
                since?: number;
                /** @description `false` joins the running session and starts none; by default a missing session is started. */
                start?: boolean;
            };
            header?: never;
            path: {
                /** @description 24 hexadecimal digits */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: never;
    };
    uploadFile: {
        parameters: {
            query: {
                /** @description The file's name. Letters, digits, `.`, `-` and `_` stay, up to 120 bytes. */
                name: string;
            };
            header?: never;
            path: {
                /** @description 24 hexadecimal digits */
                id: string;
            };
            cookie?: never;
        };
        /** @description The file, up to 16 MiB */
        requestBody: {
            content: {
                "application/octet-stream": number[];
            };
        };
        responses: {
            /** @description The file is kept in an ignored folder of the workspace, until the project is deleted */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Upload"];
                };
            };
        };
    };
    showUsage: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description 24 hexadecimal digits */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The months with usage */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProjectUsage"];
                };
            };
        };
    };
    showPush: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The key for a subscription */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PushView"];
                };
            };
        };
    };
    subscribePush: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewSubscription"];
            };
        };
        responses: {
            /** @description Subscribed */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SubscriptionView"];
                };
            };
        };
    };
    unsubscribeAllPush: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Ended, or there was none */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    unsubscribePush: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description 24 hexadecimal digits */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Ended */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    search: {
        parameters: {
            query: {
                /** @description The `next` of the answer before. */
                after?: string;
                /** @description Most hits, 1 to 100; 20 by default. */
                limit?: number;
                /**
                 * @description Words, up to 500 bytes. Case and accents do not matter; each word may be the beginning of
                 *     one. A turn is a hit when it has all of them.
                 */
                q: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The hits */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SearchResult"];
                };
            };
        };
    };
    listTokens: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All that count */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TokenList"];
                };
            };
        };
    };
    createToken: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewToken"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CreatedToken"];
                };
            };
        };
    };
    removeToken: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description 24 hexadecimal digits */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Removed */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    listWebhooks: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All webhooks, oldest first */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WebhookList"];
                };
            };
        };
    };
    createWebhook: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewWebhook"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CreatedWebhook"];
                };
            };
        };
    };
    removeWebhook: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description 24 hexadecimal digits */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Removed */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    liveness: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The server answers */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Health"];
                };
            };
        };
    };
    loginPage: {
        parameters: {
            query?: {
                /** @description A one-time code, which logs in at once. */
                code?: string;
                /** @description The page to open after the login: a path of this server. */
                next?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page with the form */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/html": unknown;
                };
            };
        };
    };
    login: {
        parameters: {
            query?: {
                /** @description A one-time code, which logs in at once. */
                code?: string;
                /** @description The page to open after the login: a path of this server. */
                next?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/x-www-form-urlencoded": components["schemas"]["Login"];
            };
        };
        responses: never;
    };
    logout: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: never;
    };
    metrics: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The metrics as OpenMetrics text; see docs/metrics.md */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/openmetrics-text": unknown;
                };
            };
        };
    };
    readiness: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The server can do its work */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Health"];
                };
            };
        };
    };
    openShare: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The end of a share link's address */
                link: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: never;
    };
}
