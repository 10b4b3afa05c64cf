/**
 * The screens. Each is one entry: its path, who may see it, its place in the navigation, and its component, which loads
 * when it is first shown. The order is that of the navigation.
 */
import { type ComponentType, lazy } from "react";
import { texts } from "../texts";
import type { Access } from "./access";

/** What the address gives a screen; the names are those of the path. */
export interface ScreenProps {
  params: Readonly<Record<string, string | undefined>>;
}

export interface Screen {
  /** A pattern of wouter, such as `/models/:line`. */
  path: string;
  component: ComponentType<ScreenProps>;
  allowed: (access: Access) => boolean;
  /** Absent for a screen that is reached from another one. */
  navigation?: { label: string; href: string };
}

export const screens: readonly Screen[] = [
  {
    path: "/",
    component: lazy(() => import("./Home")),
    allowed: () => true,
    navigation: { label: texts.navigation.home, href: "/" },
  },
  {
    path: "/queue",
    component: lazy(() => import("../desk/QueueScreen")),
    allowed: (access) => access.can("case.decide") || access.can("case.assign"),
    navigation: { label: texts.queue.title, href: "/queue" },
  },
  {
    path: "/case/:id",
    component: lazy(() => import("../desk/CaseScreen")),
    allowed: (access) => access.can("claim.read"),
  },
  {
    path: "/search",
    component: lazy(() => import("../search/SearchScreen")),
    allowed: (access) => access.can("claim.read"),
    navigation: { label: texts.search.navigation, href: "/search" },
  },
  {
    path: "/me",
    component: lazy(() => import("../team/OwnScreen")),
    allowed: (access) => access.can("case.decide"),
    navigation: { label: texts.statistics.navigation, href: "/me" },
  },
  {
    path: "/team",
    component: lazy(() => import("../team/TeamScreen")),
    allowed: (access) => access.can("case.assign"),
    navigation: { label: texts.team.navigation, href: "/team" },
  },
  {
    path: "/models/:line?",
    component: lazy(() => import("../models/ModelsScreen")),
    allowed: (access) => access.can("model.read"),
    navigation: { label: texts.models.navigation, href: "/models" },
  },
  {
    path: "/weeks/:line?",
    component: lazy(() => import("../models/WeeksScreen")),
    allowed: (access) => access.can("model.read"),
    navigation: { label: texts.weeks.navigation, href: "/weeks" },
  },
  {
    path: "/audit",
    component: lazy(() => import("../audit/AuditScreen")),
    allowed: (access) => access.can("audit.read"),
    navigation: { label: texts.audit.navigation, href: "/audit" },
  },
];
