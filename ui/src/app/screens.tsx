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
];
