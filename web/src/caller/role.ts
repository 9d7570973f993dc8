/** The order of the roles. */
import type { Role } from "../api/types";

const RANK: Record<Role, number> = { viewer: 0, operator: 1, admin: 2 };

/** Whether a role has the rights of another; an unknown role is left to the server. */
export const allows = (role: Role | null, needed: Role): boolean =>
  role === null || (RANK[role] ?? 0) >= RANK[needed];
