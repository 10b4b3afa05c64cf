import { useLocation } from "wouter";

/** Returns a function that goes to another screen. */
export function useGo(): (path: string) => void {
  const [, navigate] = useLocation();
  return (path) => navigate(path);
}
