// A YAML file that wrangler bundles as text (rules in wrangler.toml).
declare module "*.yaml" {
  const text: string;
  export default text;
}
