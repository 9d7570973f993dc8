// `.planning/` for the mock server: each started milestone created a phase.

export function planning(project, milestones) {
  const begun = milestones.filter(({ status }) => status !== "pending");
  const phases = begun.map(({ id, element_name, status }, at) => {
    const number = String(at + 1).padStart(2, "0");
    const done = status === "completed";
    return {
      number,
      name: `Convert ${element_name}`,
      folder: `phases/${number}-${element_name.toLowerCase().replace(/[^a-z0-9]/g, "-")}`,
      plans: [1, 2].map((n) => ({ id: `${number}-0${n}`, title: null, has_summary: done || n === 1 })),
      complete: done,
      milestone_id: id,
    };
  });
  const finished = phases.filter(({ complete }) => complete).length;
  return {
    phases,
    progress: {
      phases_complete: finished,
      phases_executed: finished,
      phases_total: phases.length,
      plans_complete: phases.length + finished,
      plans_total: phases.length * 2,
      percent: phases.length === 0 ? 0 : Math.floor((100 * finished) / phases.length),
    },
    created: phases.map(({ folder, milestone_id }, at) => ({
      milestone_id,
      element_name: begun[at].element_name,
      paths: ["01-PLAN.md", "02-PLAN.md", "01-SUMMARY.md"].map((name) => `.planning/${folder}/${name}`),
      total: 3,
    })),
    misplaced: project.name.includes("misplaced")
      ? begun.slice(0, 1).map(({ id }) => `.milestones/${id}/.planning`)
      : [],
  };
}
